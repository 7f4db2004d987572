import { Deployment } from './deployment.ts';
import { Display, type Tally } from './display.ts';
import { Monitor } from './monitor.ts';
import { runProgram } from './program.ts';
import { readProject } from './project.ts';
import { type Properties, revealAll } from './property.ts';
import { StateFile } from './state.ts';

export interface ApplyOptions {
  /** Folder of Pulumi.yaml. */
  readonly folder: string;
  readonly stateFile: string;
  readonly passphrase: string;
  readonly stack: string;
  /** By full key, such as `staging-refresh:schedule`. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
  readonly signal: AbortSignal;
  readonly write: (line: string) => void;
}

export interface Applied extends Tally {
  /** The stack's outputs, revealed. */
  readonly outputs: Properties;
}

/** What `pulumi up` would do, done by this process. What succeeded before a failure is kept. */
export async function applyInProcess(options: ApplyOptions): Promise<Applied> {
  return await runStack(options, false);
}

/** What an apply would do; nothing is changed. */
export async function previewInProcess(options: ApplyOptions): Promise<Applied> {
  return await runStack(options, true);
}

/** Deletes all resources of the stack, dependents first. The program isn't run. */
export async function destroyInProcess(options: Omit<ApplyOptions, 'config' | 'secretKeys'>): Promise<Tally> {
  const file = await StateFile.open(options.stateFile, options.passphrase);
  const display = new Display(options.write, false);
  const deployment = new Deployment({ ...options, file, display, preview: false });
  await deployment.destroy();
  file.state.outputs = {};
  await file.save();
  return display;
}

async function runStack(options: ApplyOptions, preview: boolean): Promise<Applied> {
  const project = await readProject(options.folder);
  const file = await StateFile.open(options.stateFile, options.passphrase);
  const display = new Display(options.write, preview);
  const deployment = new Deployment({ ...options, file, display, preview });
  const monitor = new Monitor({ deployment, file, project: project.name, stack: options.stack });
  await runProgram(
    {
      folder: options.folder,
      main: project.main,
      project: project.name,
      stack: options.stack,
      config: { ...project.defaults, ...options.config },
      secretKeys: [...project.secretKeys, ...options.secretKeys],
      preview,
    },
    monitor,
  );
  await deployment.finish();
  if (!preview) await file.save();
  return { counts: display.counts, outputs: revealAll(file.state.outputs) };
}
