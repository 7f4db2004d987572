import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalWorkspace, type PulumiCommand, Stack } from '@pulumi/pulumi/automation/index.js';
import { isMap, parseDocument } from 'yaml';
import { RefreshError } from '../model/errors.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import type { Properties, Property } from './in-process/property.ts';
import {
  type LocalConfig,
  type LocalStack,
  localConfig,
  stackEnvironment,
  stackName,
} from './local-stack.ts';
import { forgetPending, settleBackend } from './pulumi-repair.ts';
import { projectFolder } from './state-folder.ts';

/** Made by `npm start`, ignored by git. */
export const configFile = join(projectFolder, `Pulumi.${stackName}.yaml`);

export interface PulumiOptions {
  readonly stack: LocalStack;
  readonly command: PulumiCommand;
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
}

/** `pulumi up` with the real providers; returns the stack's outputs, revealed. */
export async function applyWithPulumi(options: PulumiOptions): Promise<Properties> {
  const project = await openProject(options);
  await configure(options, project);
  await forgetPending(options.stack, project);
  const result = await complain(() =>
    project.up({
      onOutput: options.write,
      suppressOutputs: true,
      color: 'never',
      signal: passedOn(options.signal),
    }),
  );
  return Object.fromEntries(
    Object.entries(result.outputs).map(([name, output]) => [name, output.value as Property]),
  );
}

/** `pulumi destroy`, and the stack itself with its config file. What is gone already doesn't stop it. */
export async function destroyWithPulumi(options: PulumiOptions): Promise<void> {
  const project = await openProject(options);
  await configure(options, project);
  await forgetPending(options.stack, project);
  await complain(() =>
    project.destroy({
      onOutput: options.write,
      suppressOutputs: true,
      color: 'never',
      refresh: true,
      signal: passedOn(options.signal),
    }),
  );
  await project.workspace.removeStack(stackName);
  await rm(configFile, { force: true });
}

/**
 * A terminal's Ctrl-C reaches the CLI by itself, and a second one would make it give up at once, with a half-made
 * cluster that nobody knows of. So only what reached us alone is passed on.
 */
function passedOn(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const pass = () => {
    if (!(signal.reason === 'SIGINT' && process.stdin.isTTY)) controller.abort(signal.reason);
  };
  if (signal.aborted) pass();
  signal.addEventListener('abort', pass, { once: true });
  return controller.signal;
}

async function openProject({ stack, command }: PulumiOptions): Promise<Stack> {
  await settleBackend(stack);
  const workspace = await LocalWorkspace.create({
    workDir: projectFolder,
    pulumiHome: stack.folder.pulumiHome,
    pulumiCommand: command,
    envVars: stackEnvironment(stack),
  });
  return await Stack.createOrSelect(stackName, workspace);
}

/** Plain values go into the file as they are; secrets by the CLI, which encrypts them, and only where they changed. */
async function configure(options: PulumiOptions, project: Stack): Promise<void> {
  const wanted = localConfig(options.stack);
  await writePlain(wanted);
  const known = await project.getAllConfig();
  for (const [key, value] of Object.entries(wanted.secret)) {
    if (known[key]?.secret !== true || known[key].value !== value) await setSecret(options, key, value);
  }
}

async function writePlain(wanted: LocalConfig): Promise<void> {
  const document = parseDocument(await readFile(configFile, 'utf8').catch(() => ''));
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  for (const [key, value] of Object.entries(wanted.plain))
    document.setIn(['config', key], document.createNode(value));
  await writeFileAtomically(configFile, String(document));
}

/** By stdin: the Automation API would put the value into the arguments, where every user of the machine can read it. */
async function setSecret({ stack, command }: PulumiOptions, key: string, value: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(
    command.command,
    ['config', 'set', '--secret', '--stack', stackName, '--non-interactive', key],
    {
      cwd: projectFolder,
      env: { ...process.env, ...stackEnvironment(stack) },
      stdio: ['pipe', 'ignore', 'pipe'],
    },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  child.on('error', reject);
  child.on('close', (code) => (code === 0 ? resolve() : reject(failed(`config set: ${complaint.trim()}`))));
  child.stdin.end(value);
  await promise;
}

/** The CLI has written its own account of a failure by then. */
async function complain<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw failed('pulumi did not finish; its own lines above say why', cause);
  }
}

function failed(message: string, cause?: unknown): RefreshError {
  return new RefreshError('tool-failed', message, {
    object: 'pulumi',
    // The Automation API's error repeats the whole output.
    ...(cause instanceof Error ? { cause: cause.constructor.name } : {}),
    hint: 'what succeeded is kept: the same command goes on from here',
  });
}
