import type { ConfigValue, World } from './world.ts';

/** What came of one command, whoever carried it out. Resources go by their logical names. */
export interface Outcome {
  readonly succeeded: boolean;
  /** What a person would have read. */
  readonly output: string;
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly replaced: readonly string[];
  readonly deleted: readonly string[];
}

/** One stack and the commands of its life. */
export interface LifecycleStack {
  readonly world: World;
  /** By key without the namespace; a change counts from the next command on. */
  readonly config: Record<string, ConfigValue>;
  preview(): Promise<Outcome>;
  up(): Promise<Outcome>;
  destroy(): Promise<Outcome>;
  /** Revealed. */
  outputs(): Promise<Record<string, unknown>>;
  /** The state as it is kept, secrets encrypted. */
  stored(): Promise<string>;
}

/** What only the real Pulumi has. */
export interface PulumiStack extends LifecycleStack {
  /** What the CLI needs to find this stack's state. */
  readonly environment: Readonly<Record<string, string>>;
  refresh(): Promise<Outcome>;
  previewWithGuardRails(): Promise<Outcome>;
  rename(name: string): Promise<void>;
  /** An `up` whose whole process group gets this signal once `when` holds: Ctrl-C, or a machine that dies. */
  upUntil(when: () => Promise<boolean>, signal: 'SIGINT' | 'SIGKILL'): Promise<Outcome>;
  /** Any other command of the CLI in the project's folder. */
  pulumi(...args: string[]): Promise<Outcome>;
  /** A script in the project's folder, its confirmations given. */
  shell(script: string): Promise<Outcome>;
}

export function isPulumi(stack: LifecycleStack): stack is PulumiStack {
  return 'rename' in stack;
}
