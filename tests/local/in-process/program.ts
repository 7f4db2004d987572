import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Applied,
  type ApplyOptions,
  applyInProcess,
  destroyInProcess,
  previewInProcess,
} from '../../../scripts/local/in-process/apply.ts';
import type { Tally } from '../../../scripts/local/in-process/display.ts';

/** A small Pulumi project in a folder of its own, with what the apply said so far. */
export class TestProgram {
  readonly folder: string;
  readonly lines: string[] = [];
  readonly #config: Record<string, string> = {};

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(source: string): Promise<TestProgram> {
    const program = new TestProgram(await mkdtemp(join(tmpdir(), 'staging-refresh-program-')));
    const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
    await symlink(modules, join(program.folder, 'node_modules'));
    await writeFile(join(program.folder, 'package.json'), '{"type":"module"}');
    await writeFile(
      join(program.folder, 'Pulumi.yaml'),
      'name: small\nmain: index.ts\nconfig:\n  greeting: {default: hello}\n',
    );
    await program.write(source);
    return program;
  }

  async write(source: string): Promise<void> {
    await writeFile(join(this.folder, 'index.ts'), source);
  }

  set(key: string, value: string): void {
    this.#config[`small:${key}`] = value;
  }

  get stateFile(): string {
    return join(this.folder, 'state.json');
  }

  async apply(): Promise<Applied> {
    return await applyInProcess(this.#options());
  }

  async preview(): Promise<Applied> {
    return await previewInProcess(this.#options());
  }

  async destroy(): Promise<Tally> {
    return await destroyInProcess(this.#options());
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  #options(): ApplyOptions {
    return {
      folder: this.folder,
      stateFile: this.stateFile,
      passphrase: 'open sesame',
      stack: 'test',
      config: { ...this.#config },
      secretKeys: Object.keys(this.#config).filter((key) => key.endsWith('Secret')),
      signal: new AbortController().signal,
      write: (line) => this.lines.push(line),
    };
  }
}
