import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EngineEvent, LocalWorkspace, Stack } from '@pulumi/pulumi/automation/index.js';
import { parseDocument } from 'yaml';
import type { Outcome, PulumiStack } from './stack.ts';
import { type ConfigValue, secretKeys, type World } from './world.ts';

const namespace = 'staging-refresh';

/** A stack of the real CLI with the real providers, through the Automation API. */
export async function pulumiStack(world: World, name = 'life'): Promise<PulumiStack> {
  const { PG_BINDIR = '', ...ofWorld } = await world.environment();
  const environment = {
    ...ofWorld,
    PG_BINDIR,
    // A team has psql there.
    PATH: [dirname(process.execPath), PG_BINDIR, process.env.PATH].join(delimiter),
    PULUMI_BACKEND_URL: `file://${join(world.folder, 'backend')}`,
    PULUMI_CONFIG_PASSPHRASE: 'a passphrase of the lifecycle tests',
    PULUMI_HOME: join(world.folder, 'pulumi-home'),
    PULUMI_SKIP_UPDATE_CHECK: 'true',
  };
  await mkdir(join(world.folder, 'backend'), { recursive: true });
  const workspace = await LocalWorkspace.create({
    workDir: world.folder,
    pulumiHome: environment.PULUMI_HOME,
    envVars: environment,
  });
  return new RealStack(world, await Stack.createOrSelect(name, workspace), environment);
}

class RealStack implements PulumiStack {
  readonly world: World;
  readonly config: Record<string, ConfigValue>;
  #stack: Stack;
  readonly environment: Readonly<Record<string, string>>;
  #written = '';

  constructor(world: World, stack: Stack, environment: Record<string, string>) {
    this.world = world;
    this.config = world.config();
    this.#stack = stack;
    this.environment = environment;
  }

  async preview(): Promise<Outcome> {
    return await this.#observe((options) => this.#stack.preview(options));
  }

  async up(): Promise<Outcome> {
    return await this.#observe((options) => this.#stack.up({ ...options, suppressOutputs: true }));
  }

  async refresh(): Promise<Outcome> {
    return await this.#observe((options) => this.#stack.refresh(options));
  }

  async destroy(): Promise<Outcome> {
    return await this.#observe((options) => this.#stack.destroy(options));
  }

  async previewWithGuardRails(): Promise<Outcome> {
    const policyPacks = [join(this.world.folder, 'components', 'guard-rails')];
    return await this.#observe((options) => this.#stack.preview({ ...options, policyPacks }));
  }

  async rename(name: string): Promise<void> {
    await this.#stack.rename({ stackName: name });
    this.#stack = await Stack.select(name, this.#stack.workspace);
  }

  async outputs(): Promise<Record<string, unknown>> {
    const outputs = await this.#stack.outputs();
    return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
  }

  async stored(): Promise<string> {
    const { output } = await this.pulumi('stack', 'export');
    return output;
  }

  async pulumi(...args: string[]): Promise<Outcome> {
    return await this.#run('pulumi', [...args, '--non-interactive', '--stack', this.#stack.name]);
  }

  async upUntil(when: () => Promise<boolean>, signal: 'SIGINT' | 'SIGKILL'): Promise<Outcome> {
    const words = ['up', '--yes', '--skip-preview', '--non-interactive', '--stack', this.#stack.name];
    return await this.#run('pulumi', words, async (pid) => {
      while (!(await when())) await sleep(200);
      if (signal === 'SIGINT') process.kill(-pid, signal);
      else await killSession(pid);
    });
  }

  async shell(script: string): Promise<Outcome> {
    return await this.#run('/bin/sh', ['-euc', script]);
  }

  async #run(
    program: string,
    args: readonly string[],
    meanwhile: (pid: number) => Promise<void> = async () => undefined,
  ): Promise<Outcome> {
    await this.#configure();
    const child = spawn(program, args, {
      cwd: this.world.folder,
      // A person would answer "yes" to what a page's commands ask.
      env: { ...process.env, ...this.environment, PULUMI_SKIP_CONFIRMATIONS: 'true' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, as a terminal gives it.
      detached: true,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    child.on('error', reject);
    child.on('close', resolve);
    const [code] = await Promise.all([promise, child.pid === undefined ? undefined : meanwhile(child.pid)]);
    return { succeeded: code === 0, output, created: [], updated: [], replaced: [], deleted: [] };
  }

  async #observe(
    command: (options: {
      onOutput: (text: string) => void;
      onEvent: (event: EngineEvent) => void;
      color: 'never';
    }) => Promise<unknown>,
  ): Promise<Outcome> {
    await this.#configure();
    const steps = new Steps();
    let output = '';
    const options = {
      onOutput: (text: string) => {
        output += text;
      },
      onEvent: (event: EngineEvent) => steps.add(event),
      color: 'never',
    } as const;
    const succeeded = await command(options).then(
      () => true,
      (error: unknown) => {
        output += String(error);
        return false;
      },
    );
    return { succeeded, output, ...steps.byOperation() };
  }

  /** Plain values by the file, secrets by the CLI, which encrypts them. */
  async #configure(): Promise<void> {
    const wanted = JSON.stringify(this.config);
    if (wanted === this.#written) return;
    const secrets = Object.entries(this.config).filter(([key]) => secretKeys.includes(key));
    for (const [key, value] of secrets) {
      await this.#stack.setConfig(`${namespace}:${key}`, { value: String(value), secret: true });
    }
    const file = join(this.world.folder, `Pulumi.${this.#stack.name}.yaml`);
    const document = parseDocument(await readFile(file, 'utf8'));
    for (const key of Object.keys(document.toJS().config)) {
      if (!(key.slice(namespace.length + 1) in this.config)) document.deleteIn(['config', key]);
    }
    for (const [key, value] of Object.entries(this.config)) {
      if (!secretKeys.includes(key))
        document.setIn(['config', `${namespace}:${key}`], document.createNode(value));
    }
    await writeFile(file, String(document));
    this.#written = wanted;
  }
}

/** The engine's own account of what it did to each resource. */
class Steps {
  readonly #seen = new Map<string, Set<string>>();

  add(event: EngineEvent): void {
    const metadata = event.resourcePreEvent?.metadata ?? event.resOutputsEvent?.metadata;
    if (!metadata || metadata.type.startsWith('pulumi:pulumi:')) return;
    const names = this.#seen.get(metadata.op) ?? new Set<string>();
    names.add(metadata.urn.split('::').at(-1) ?? '');
    this.#seen.set(metadata.op, names);
  }

  byOperation(): Pick<Outcome, 'created' | 'updated' | 'replaced' | 'deleted'> {
    return {
      created: this.#of('create'),
      updated: this.#of('update'),
      replaced: this.#of('replace', 'create-replacement'),
      deleted: this.#of('delete'),
    };
  }

  #of(...operations: string[]): string[] {
    const names = operations.flatMap((operation) => [...(this.#seen.get(operation) ?? [])]);
    return [...new Set(names)].sort();
  }
}

/** A machine that dies takes the plugins along, which the CLI has put into process groups of their own. */
async function killSession(leader: number): Promise<void> {
  for (const name of await readdir('/proc')) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '') : '';
    // After the program's name in parentheses: state, parent, group, session.
    if (Number(stat.split(') ').at(-1)?.split(' ')[3]) === leader) process.kill(Number(name), 'SIGKILL');
  }
}
