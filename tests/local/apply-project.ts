import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processesWith } from '../../scripts/local/running-process.ts';
import { memoryFolder } from '../support/memory-folder.ts';
import { servers } from '../support/servers.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What a clone doesn't have, what no command needs, and what the copy gets by a link. */
const leftOut = ['node_modules', '.git', '.local', 'artifacts', 'tests', 'Pulumi.local.yaml'];

export interface Ended {
  readonly code: number | null;
  /** Both streams, as they came. */
  readonly output: string;
}

/** A copy of the project in a folder of its own, with a local stack that is nobody else's. */
export class TestProject {
  readonly folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(folder: string, environment: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#environment = environment;
  }

  /** @param applier `pulumi` takes the CLI from PATH; `in-process` never looks for one. */
  static async create(applier: 'in-process' | 'pulumi'): Promise<TestProject> {
    const folder = await mkdtemp(join(memoryFolder(), 'staging-refresh-project-'));
    for (const part of await readdir(repository)) {
      if (leftOut.includes(part) || part.startsWith('refresh-report.')) continue;
      await cp(join(repository, part), join(folder, part), { recursive: true });
    }
    await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
    const path = [dirname(process.execPath), ...(process.env.PATH ?? '').split(delimiter)].join(delimiter);
    return new TestProject(folder, {
      PATH: path,
      HOME: folder,
      PG_BINDIR: (await servers()).tools.bindir,
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      ...(applier === 'in-process' ? { STAGING_REFRESH_APPLIER: applier } : {}),
    });
  }

  /** Runs one of the commands behind the npm scripts; `interrupt` sends a signal once its output holds a text. */
  async run(
    command: 'start' | 'refresh' | 'destroy',
    interrupt?: { readonly when: string; readonly signal: NodeJS.Signals },
  ): Promise<Ended> {
    return await this.#spawn(process.execPath, [join('scripts', 'local', `${command}.ts`)], interrupt);
  }

  /** Runs a script in a shell that has sourced `.local/env`. */
  async shell(script: string): Promise<Ended> {
    return await this.#spawn('/bin/sh', ['-c', `. ./.local/env && ${script}`]);
  }

  async environmentValue(name: string): Promise<string> {
    const { output } = await this.shell(`printf %s "$${name}"`);
    return output;
  }

  async read(file: string): Promise<string> {
    return await readFile(join(this.folder, file), 'utf8');
  }

  /** Processes that name the folder in their command lines: the daemon and the PostgreSQL servers. */
  async processes(): Promise<number[]> {
    return await processesWith([this.folder]);
  }

  async remove(): Promise<void> {
    await this.run('destroy');
    await rm(this.folder, { recursive: true, force: true });
  }

  async #spawn(
    program: string,
    args: readonly string[],
    interrupt?: { readonly when: string; readonly signal: NodeJS.Signals },
  ): Promise<Ended> {
    const child = spawn(program, args, {
      cwd: this.folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let pending = interrupt;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (pending === undefined || !output.includes(pending.when)) return;
        child.kill(pending.signal);
        pending = undefined;
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<Ended>();
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
    // A server that was started and lives on may hold the pipes open; what the child itself said is here by then.
    child.on('exit', (code) => setTimeout(() => resolve({ code, output }), 2_000).unref());
    return await promise;
  }
}
