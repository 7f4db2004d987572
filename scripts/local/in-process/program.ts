import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as pulumi from '@pulumi/pulumi';
import { SettingsError } from '../../../components/settings-problems.ts';
import { RefreshError } from '../../model/errors.ts';
import type { Monitor } from './monitor.ts';

export interface ProgramOptions {
  readonly folder: string;
  /** Path of the program, relative to `folder`. */
  readonly main: string;
  readonly project: string;
  readonly stack: string;
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
  readonly preview: boolean;
}

/**
 * Runs a Pulumi program in this process, its resources registered with `monitor`. One program at a time: the SDK
 * keeps its settings per process. Fails with the program's or the monitor's first error.
 */
export async function runProgram(options: ProgramOptions, monitor: Monitor): Promise<void> {
  const { project, stack, preview } = options;
  // The organization that Pulumi's own file backend has.
  pulumi.runtime.setMockOptions(monitor, project, stack, preview, 'organization');
  pulumi.runtime.setAllConfig({ ...options.config }, [...options.secretKeys]);
  const onUnhandled = (error: unknown) => monitor.fail(inWords(error));
  // A rejected Output without a reader is how the SDK tells of an error in an apply: that ends the run, not the process.
  process.on('unhandledRejection', onUnhandled);
  const folder = process.cwd();
  process.chdir(options.folder);
  try {
    await Promise.race([run(options, monitor), monitor.failed]);
    process.off('unhandledRejection', onUnhandled);
  } finally {
    // After a failure the handler stays: what the program left waiting may still fail, one after the other.
    process.chdir(folder);
  }
}

async function run(options: ProgramOptions, monitor: Monitor): Promise<void> {
  await pulumi.runtime.runInPulumiStack(async () => {
    try {
      return await load(options);
    } catch (error) {
      // Told to the monitor, which waits for what is under way; the SDK would reject promises that nobody reads.
      monitor.fail(inWords(error));
      return await new Promise<never>(() => undefined);
    }
  });
  await pulumi.runtime.disconnect();
}

/** What the program itself refuses is no defect of its: `pulumi up` shows such an error without a stack, too. */
function inWords(error: unknown): unknown {
  if (!pulumi.RunError.isInstance(error)) return error;
  const code = error instanceof SettingsError ? 'bad-environment' : 'tool-failed';
  return new RefreshError(code, error.message, {
    object: 'index.ts',
    cause: error,
    hint: 'correct what it names, then run the same command again: it goes on from here',
  });
}

let runs = 0;

/** Exports of the module, or what its default export returns; loaded anew each time. */
async function load({ folder, main }: ProgramOptions): Promise<unknown> {
  runs += 1;
  const program: Record<string, unknown> = await import(
    `${pathToFileURL(join(folder, main)).href}?run=${runs}`
  );
  const { default: start, ...exported } = program;
  return typeof start === 'function' ? await start() : { ...exported };
}
