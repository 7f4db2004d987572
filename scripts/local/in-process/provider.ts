import type { Properties } from './property.ts';

/** What one step of a provider is given; all values are revealed. */
export interface Step {
  /** Folder of the project, where commands run. */
  readonly folder: string;
  readonly inputs: Properties;
  /** Inputs of the provider resource: its address and token. */
  readonly provider: Properties;
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal;
  /** A line of progress. Never a secret. */
  readonly say: (line: string) => void;
}

/** A step on something that exists, with what the last step left. */
export interface LaterStep extends Step {
  readonly id: string;
  readonly outputs: Properties;
}

export interface Made {
  readonly id: string;
  readonly outputs: Properties;
}

/** How one type of resource is made, changed and deleted: the calls that the real provider makes. */
export interface ResourceKind {
  /** Inputs whose change can't be made in place. */
  readonly replaceOn: readonly string[];
  /** The successor can't exist beside the one that it replaces, for example because both bear one name. */
  readonly deleteFirst: boolean;
  /** Outputs that are secret, beside those that repeat a secret input. */
  readonly secretOutputs: readonly string[];
  /** Every output is secret once an input is: what comes out may repeat what went in. */
  readonly outputsRepeatInputs?: boolean;
  create(step: Step): Promise<Made>;
  /** Removes what a `create` that was cut off may have left, so that it can be tried again. */
  discard?(step: Step): Promise<void>;
  /** Returns the new outputs. */
  update(step: LaterStep): Promise<Properties>;
  /** Outputs of one that exists and that somebody else owns. */
  read?(id: string, provider: Properties): Promise<Properties>;
  /** What is gone already is deleted. */
  delete(step: LaterStep): Promise<void>;
}

/** A function of a provider, such as `getDatabaseCluster`. */
export type ProviderFunction = (inputs: Properties, provider: Properties) => Promise<Properties>;

export interface Package {
  readonly kinds: Readonly<Record<string, ResourceKind>>;
  readonly functions: Readonly<Record<string, ProviderFunction>>;
}
