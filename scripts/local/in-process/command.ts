import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { RefreshError } from '../../model/errors.ts';
import { objectIn } from './api-client.ts';
import { type Properties, textOf } from './property.ts';
import type { LaterStep, Package, Step } from './provider.ts';

/** The command package's local command: really runs what the program says. */
export const command: Package = {
  kinds: {
    'command:local:Command': {
      replaceOn: ['triggers'],
      deleteFirst: false,
      secretOutputs: [],
      outputsRepeatInputs: true,
      async create(step) {
        const script = textOf(step.inputs, 'create');
        return { id: randomUUID(), outputs: { ...step.inputs, ...(await runIfAny(script, step, {})) } };
      },
      async update(step) {
        const script = textOf(step.inputs, 'update') ?? textOf(step.inputs, 'create');
        return { ...step.inputs, ...(await runIfAny(script, step, previousOf(step))) };
      },
      async delete(step) {
        await runIfAny(textOf(step.inputs, 'delete'), step, previousOf(step));
      },
    },
  },
  functions: {},
};

interface Written {
  readonly stdout?: string;
  readonly stderr?: string;
}

async function runIfAny(script: string | undefined, step: Step, previous: Written): Promise<Properties> {
  return script === undefined ? { ...previous } : { ...(await run(script, step, previous)) };
}

function previousOf(step: LaterStep): Written {
  return { stdout: textOf(step.outputs, 'stdout') ?? '', stderr: textOf(step.outputs, 'stderr') ?? '' };
}

async function run(script: string, step: Step, previous: Written): Promise<Required<Written>> {
  const { inputs } = step;
  const given = inputs.interpreter;
  const [program = '/bin/sh', ...options] = Array.isArray(given) ? given.map(String) : ['/bin/sh', '-c'];
  // A process group of its own: an interruption reaches the command once, from us, however it reached us.
  const child = spawn(program, [...options, script], {
    cwd: resolve(step.folder, textOf(inputs, 'dir') ?? '.'),
    env: { ...process.env, ...previousInEnvironment(inputs, previous), ...environmentOf(inputs) },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const interrupt = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
  };
  if (step.signal.aborted) interrupt();
  step.signal.addEventListener('abort', interrupt, { once: true });
  const stdout = collect(child.stdout, logs(inputs, 'stdout') ? step.say : undefined);
  const stderr = collect(child.stderr, logs(inputs, 'stderr') ? step.say : undefined);
  // A command that doesn't read its stdin closes the pipe: that is its right.
  child.stdin.on('error', () => undefined).end(textOf(inputs, 'stdin') ?? '');
  try {
    const status = await endOf(child);
    if (status !== 'exit status 0') throw failure(status, await stderr);
    return { stdout: (await stdout).replace(/\n$/, ''), stderr: (await stderr).replace(/\n$/, '') };
  } finally {
    step.signal.removeEventListener('abort', interrupt);
  }
}

async function endOf(child: ReturnType<typeof spawn>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.on('error', reject);
  child.on('close', (code, signal) => resolve(signal ? `signal ${signal}` : `exit status ${code}`));
  return await promise;
}

function environmentOf(inputs: Properties): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objectIn(inputs, 'environment')).map(([name, value]) => [name, String(value)]),
  );
}

function previousInEnvironment(inputs: Properties, previous: Written): Record<string, string> {
  if (inputs.addPreviousOutputInEnv === false || previous.stdout === undefined) return {};
  return { PULUMI_COMMAND_STDOUT: previous.stdout, PULUMI_COMMAND_STDERR: previous.stderr ?? '' };
}

/** The command resource logs both streams unless it is told which. */
function logs(inputs: Properties, stream: 'stdout' | 'stderr'): boolean {
  const logging = textOf(inputs, 'logging') ?? 'stdoutAndStderr';
  return logging === 'stdoutAndStderr' || logging === stream;
}

async function collect(
  stream: NodeJS.ReadableStream,
  say: ((line: string) => void) | undefined,
): Promise<string> {
  let text = '';
  let line = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    text += String(chunk);
    const lines = (line + String(chunk)).split('\n');
    line = lines.pop() ?? '';
    if (say) lines.forEach(say);
  }
  if (say && line !== '') say(line);
  return text;
}

function failure(status: string, stderr: string): RefreshError {
  const end = stderr.trim().split('\n').slice(-6).join('\n');
  return new RefreshError('tool-failed', `the command ended with ${status}${end ? `:\n${end}` : ''}`, {
    object: 'command:local:Command',
    hint: 'repair what its last lines name, then run the same command again',
  });
}
