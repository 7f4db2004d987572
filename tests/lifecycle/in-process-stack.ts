import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ApplyOptions,
  applyInProcess,
  destroyInProcess,
  previewInProcess,
} from '../../scripts/local/in-process/apply.ts';
import { revealAll } from '../../scripts/local/in-process/property.ts';
import { StateFile } from '../../scripts/local/in-process/state.ts';
import type { LifecycleStack, Outcome } from './stack.ts';
import { type ConfigValue, secretKeys, type World } from './world.ts';

const passphrase = 'a passphrase of the lifecycle tests';

/** A stack that this process applies, for machines without the Pulumi CLI. */
export async function inProcessStack(world: World, name = 'life'): Promise<LifecycleStack> {
  // The program and the engine find the emulations in the environment, and nobody else's account.
  Object.assign(process.env, await world.environment());
  delete process.env.GITHUB_OWNER;
  return new InProcessStack(world, name);
}

class InProcessStack implements LifecycleStack {
  readonly world: World;
  readonly config: Record<string, ConfigValue>;
  readonly #name: string;

  constructor(world: World, name: string) {
    this.world = world;
    this.config = world.config();
    this.#name = name;
  }

  async preview(): Promise<Outcome> {
    return await this.#observe((options) => previewInProcess(options));
  }

  async up(): Promise<Outcome> {
    return await this.#observe((options) => applyInProcess(options));
  }

  async destroy(): Promise<Outcome> {
    return await this.#observe((options) => destroyInProcess(options));
  }

  async outputs(): Promise<Record<string, unknown>> {
    return revealAll((await StateFile.open(this.#stateFile, passphrase)).state.outputs);
  }

  async stored(): Promise<string> {
    return await readFile(this.#stateFile, 'utf8');
  }

  get #stateFile(): string {
    return join(this.world.folder, `${this.#name}.json`);
  }

  async #observe(command: (options: ApplyOptions) => Promise<unknown>): Promise<Outcome> {
    const lines: string[] = [];
    const inNamespace = (key: string) => `staging-refresh:${key}`;
    const config = Object.entries(this.config).map(([key, value]) => [
      inNamespace(key),
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
    const succeeded = await command({
      folder: this.world.folder,
      stateFile: this.#stateFile,
      passphrase,
      stack: this.#name,
      config: Object.fromEntries(config),
      secretKeys: secretKeys.map(inNamespace),
      signal: new AbortController().signal,
      write: (line) => lines.push(line),
    }).then(
      () => true,
      (error: unknown) => {
        lines.push(String(error));
        return false;
      },
    );
    return { succeeded, output: lines.join('\n'), ...stepsOf(lines) };
  }
}

/** ` +  digitalocean:index:DatabaseCluster staging-shop-staging created (0.6 s)`, by what was done. */
function stepsOf(lines: readonly string[]): Pick<Outcome, 'created' | 'updated' | 'replaced' | 'deleted'> {
  const named = (...words: string[]) =>
    lines.flatMap((line) => {
      const [, name, word] = /^ \S* +\S+:\S+ (\S+) (\w+)/.exec(line) ?? [];
      return name !== undefined && word !== undefined && words.includes(word) ? [name] : [];
    });
  const replaced = named('replaced', 'replace');
  return {
    created: named('created', 'create').sort(),
    updated: named('updated', 'update').sort(),
    replaced: replaced.sort(),
    // What was replaced goes, too, and isn't told apart here.
    deleted: named('deleted', 'delete')
      .filter((name) => !replaced.includes(name))
      .sort(),
  };
}
