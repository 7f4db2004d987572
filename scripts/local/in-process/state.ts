import { readFile } from 'node:fs/promises';
import { RefreshError } from '../../model/errors.ts';
import { writeFileAtomically } from '../../system/atomic-file.ts';
import type { Properties, Property } from './property.ts';
import { createSeal, type Seal } from './seal.ts';

/** What is known of one resource; `inputs` are those of the program, `outputs` what the provider answered. */
export interface ResourceRecord {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly id: string;
  readonly parent: string;
  /** `URN::ID` of the provider resource, or empty. */
  readonly provider: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
  readonly dependencies: readonly string[];
  /** For each input, the URNs that its value came from. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly replacementTrigger?: Property;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deletedWith: string;
}

/** An operation that was begun; one still there when a run starts was cut off in the middle. */
export interface PendingOperation {
  readonly urn: string;
  readonly operation: 'create' | 'update' | 'delete';
}

export interface StackState {
  readonly resources: Map<string, ResourceRecord>;
  /** Replaced resources that are still to be deleted, oldest first. */
  readonly condemned: ResourceRecord[];
  pending: PendingOperation[];
  outputs: Properties;
}

/** The state file of one stack: written whole after each step, so that a kill loses at most the step under way. */
export class StateFile {
  readonly state: StackState;
  readonly #path: string;
  readonly #seal: Seal;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, seal: Seal, state: StackState) {
    this.#path = path;
    this.#seal = seal;
    this.state = state;
  }

  /** Reads the file; an absent one is an empty stack. Fails with `bad-file` on another passphrase or version. */
  static async open(path: string, passphrase: string): Promise<StateFile> {
    const stored = await readStored(path);
    if (!stored) return new StateFile(path, createSeal(passphrase), emptyState());
    const seal = createSeal(passphrase, stored.salt);
    const opened = (record: ResourceRecord): ResourceRecord => ({
      ...record,
      inputs: seal.open(record.inputs),
      outputs: seal.open(record.outputs),
    });
    return new StateFile(path, seal, {
      resources: new Map(stored.resources.map((record) => [record.urn, opened(record)])),
      condemned: stored.condemned.map(opened),
      pending: [...stored.pending],
      outputs: seal.open(stored.outputs),
    });
  }

  /** Saves what the state is when the write begins; writes never overlap. */
  async save(): Promise<void> {
    const write = () => writeFileAtomically(this.#path, `${JSON.stringify(this.#closed(), undefined, 2)}\n`);
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
  }

  #closed(): StoredState {
    const closed = (record: ResourceRecord): ResourceRecord => ({
      ...record,
      inputs: this.#seal.close(record.inputs),
      outputs: this.#seal.close(record.outputs),
    });
    return {
      version: 1,
      salt: this.#seal.salt,
      resources: [...this.state.resources.values()].map(closed),
      condemned: this.state.condemned.map(closed),
      pending: this.state.pending,
      outputs: this.#seal.close(this.state.outputs),
    };
  }
}

interface StoredState {
  readonly version: 1;
  readonly salt: string;
  readonly resources: readonly ResourceRecord[];
  readonly condemned: readonly ResourceRecord[];
  readonly pending: readonly PendingOperation[];
  readonly outputs: Properties;
}

function emptyState(): StackState {
  return { resources: new Map(), condemned: [], pending: [], outputs: {} };
}

async function readStored(path: string): Promise<StoredState | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const unreadable = (cause?: unknown) =>
    new RefreshError('bad-file', 'the state of the in-process apply can not be read', {
      object: path,
      cause,
      hint: 'npm run destroy removes the whole local stack, this file with it',
    });
  try {
    const stored: StoredState = JSON.parse(text);
    if (stored.version === 1) return stored;
  } catch (cause) {
    throw unreadable(cause);
  }
  throw unreadable();
}
