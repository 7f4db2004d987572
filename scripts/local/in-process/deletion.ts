import { RefreshError } from '../../model/errors.ts';
import type { Display } from './display.ts';
import { type Properties, revealAll } from './property.ts';
import type { ResourceKind } from './provider.ts';
import type { ResourceRecord, StateFile } from './state.ts';

export interface DeletionOptions {
  readonly folder: string;
  readonly file: StateFile;
  readonly display: Display;
  readonly preview: boolean;
  readonly signal: AbortSignal;
  readonly kindOf: (type: string) => ResourceKind;
  readonly providerInputs: (provider: string) => Properties;
}

/** Deletes resources, each after all that depend on it. */
export class Deletion {
  readonly #options: DeletionOptions;

  constructor(options: DeletionOptions) {
    this.#options = options;
  }

  async run(doomed: readonly ResourceRecord[]): Promise<void> {
    const urns = new Set(doomed.map(({ urn }) => urn));
    for (const record of dependentsFirst(doomed)) {
      if (this.#options.signal.aborted) throw interrupted();
      await this.#delete(record, urns.has(record.deletedWith));
    }
  }

  /**
   * Before a replacement that can't stand beside its predecessor: the predecessor goes, and before it those not yet
   * registered in this run whose own replacement its change forces.
   */
  async runWithDependents(record: ResourceRecord, registered: ReadonlySet<string>): Promise<void> {
    const doomed = new Map([[record.urn, record]]);
    for (const other of this.#options.file.state.resources.values()) {
      if (!other.custom || other.type.startsWith('pulumi:providers:') || registered.has(other.urn)) continue;
      const forced = this.#options
        .kindOf(other.type)
        .replaceOn.flatMap((key) => other.propertyDependencies[key] ?? []);
      if (forced.some((urn) => doomed.has(urn))) doomed.set(other.urn, other);
    }
    await this.run([...doomed.values()]);
  }

  async #delete(record: ResourceRecord, goesWithAnother: boolean): Promise<void> {
    const { file, display, preview } = this.#options;
    const isProvider = record.type.startsWith('pulumi:providers:');
    const behind = record.custom && !isProvider && !record.retainOnDelete && !goesWithAnother;
    if (record.protect) {
      throw new RefreshError('not-permitted', 'the resource is protected and would be deleted', {
        object: record.urn,
        hint: 'take protect away first',
      });
    }
    const begun = Date.now();
    if (!preview) {
      if (behind) await this.#deleteBehind(record);
      remove(file, record);
      await file.save();
    }
    display.step('delete', record.type, record.name, { seconds: (Date.now() - begun) / 1000 });
  }

  async #deleteBehind(record: ResourceRecord): Promise<void> {
    const { folder, display, signal, kindOf, providerInputs } = this.#options;
    await kindOf(record.type).delete({
      folder,
      id: record.id,
      inputs: revealAll(record.inputs),
      outputs: revealAll(record.outputs),
      provider: providerInputs(record.provider),
      signal,
      say: (line) => display.line(record.type, record.name, line),
    });
  }
}

/** Children count as dependents of their parent, and everything as one of its provider. */
function dependentsFirst(records: readonly ResourceRecord[]): ResourceRecord[] {
  const byUrn = Map.groupBy(records, (record) => record.urn);
  const ordered: ResourceRecord[] = [];
  const visited = new Set<ResourceRecord>();
  const visit = (record: ResourceRecord): void => {
    if (visited.has(record)) return;
    visited.add(record);
    const provider = record.provider.slice(0, record.provider.lastIndexOf('::'));
    for (const urn of [...record.dependencies, record.parent, provider]) byUrn.get(urn)?.forEach(visit);
    ordered.push(record);
  };
  records.forEach(visit);
  return ordered.reverse();
}

function remove(file: StateFile, record: ResourceRecord): void {
  const { state } = file;
  const condemned = state.condemned.indexOf(record);
  if (condemned >= 0) state.condemned.splice(condemned, 1);
  else state.resources.delete(record.urn);
}

function interrupted(): RefreshError {
  return new RefreshError('interrupted', 'interrupted', {
    hint: 'run the same command again: it goes on from here',
  });
}
