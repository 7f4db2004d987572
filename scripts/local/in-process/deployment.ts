import { randomUUID } from 'node:crypto';
import { RefreshError } from '../../model/errors.ts';
import { command } from './command.ts';
import { Deletion } from './deletion.ts';
import { digitalOcean } from './digitalocean.ts';
import type { Display, Operation } from './display.ts';
import { gitHub } from './github.ts';
import { changedKeys, contains, isUnknown, type Properties, revealAll, same } from './property.ts';
import type { Package, ResourceKind, Step } from './provider.ts';
import { type Registration, withIgnored } from './registration.ts';
import { withSecretNames, withSecrets } from './secrecy.ts';
import type { PendingOperation, ResourceRecord, StateFile } from './state.ts';

const packages: readonly Package[] = [digitalOcean, gitHub, command];

/** What the program gets back for a resource. */
export interface Registered {
  readonly id: string;
  readonly outputs: Properties;
}

export interface DeploymentOptions {
  /** Folder of the project. */
  readonly folder: string;
  readonly file: StateFile;
  readonly display: Display;
  /** Nothing is changed, not even the state file. */
  readonly preview: boolean;
  readonly signal: AbortSignal;
}

/** One run: decides for each resource that the program registers what must be done, does it, and writes it down. */
export class Deployment {
  readonly #options: DeploymentOptions;
  readonly #registered = new Set<string>();

  constructor(options: DeploymentOptions) {
    this.#options = options;
  }

  async register(registration: Registration): Promise<Registered> {
    if (this.#registered.has(registration.urn)) {
      throw new RefreshError('unclassified', 'two resources have the same URN', { object: registration.urn });
    }
    this.#registered.add(registration.urn);
    const hasNothingBehind = !registration.custom || registration.type.startsWith('pulumi:providers:');
    if (hasNothingBehind) return await this.#note(registration);
    try {
      return await this.#provide(registration);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#options.display.failed(registration.type, registration.name, message);
      throw error;
    }
  }

  /** A resource that somebody else owns: it is read each time and never written down, so that nothing deletes it. */
  async read(type: string, name: string, id: string, provider: string): Promise<Properties> {
    const kind = kindOf(type);
    if (!kind.read) throw unsupported(type);
    const outputs = await kind.read(id, this.#providerInputs(provider));
    this.#options.display.step('same', type, name);
    return withSecretNames(outputs, kind.secretOutputs);
  }

  async invoke(token: string, inputs: Properties, provider: string): Promise<Properties> {
    for (const { functions } of packages) {
      const call = functions[token];
      if (call) return await call(revealAll(inputs), this.#providerInputs(provider));
    }
    throw unsupported(token);
  }

  /** Deletes what the program no longer registers and what was replaced, dependents first. */
  async finish(): Promise<void> {
    const { state } = this.#options.file;
    const gone = [...state.resources.values()].filter((record) => !this.#registered.has(record.urn));
    await this.#deletion().run([...gone, ...state.condemned]);
  }

  /** Deletes the whole stack, dependents first. */
  async destroy(): Promise<void> {
    const { state } = this.#options.file;
    await this.#deletion().run([...state.resources.values(), ...state.condemned]);
  }

  #deletion(): Deletion {
    return new Deletion({
      ...this.#options,
      kindOf,
      providerInputs: (provider) => this.#providerInputs(provider),
    });
  }

  /** Components and providers have nothing behind them: they are written down only. */
  async #note(registration: Registration): Promise<Registered> {
    const { file, display, preview } = this.#options;
    const before = file.state.resources.get(registration.urn);
    const keys = before ? changedKeys(before.inputs, registration.inputs) : [];
    const operation = !before ? 'create' : registration.custom && keys.length > 0 ? 'update' : 'same';
    display.step(operation, registration.type, registration.name, operation === 'update' ? { keys } : {});
    const id = registration.custom ? (before?.id ?? randomUUID()) : '';
    const record = recordOf(registration, id, registration.inputs);
    // Also in a preview: providers are looked up here by those that refer to them. A preview is never saved.
    file.state.resources.set(registration.urn, record);
    if (!preview) await file.save();
    return { id, outputs: registration.inputs };
  }

  async #provide(registration: Registration): Promise<Registered> {
    const kind = kindOf(registration.type);
    const before = this.#options.file.state.resources.get(registration.urn);
    const wanted = withIgnored(registration, before);
    if (!before) return await this.#change('create', kind, wanted, undefined, []);
    const keys = changedKeys(before.inputs, wanted.inputs);
    const triggered = !same(before.replacementTrigger ?? null, wanted.replacementTrigger);
    if (keys.length === 0 && !triggered) return await this.#keep(wanted, before);
    const replaces = [...kind.replaceOn, ...wanted.replaceOnChanges];
    const operation = triggered || keys.some((key) => replaces.includes(key)) ? 'replace' : 'update';
    return await this.#change(operation, kind, wanted, before, keys);
  }

  async #keep(wanted: Registration, before: ResourceRecord): Promise<Registered> {
    const { file, display, preview } = this.#options;
    display.step('same', wanted.type, wanted.name);
    // Its place in the graph may have changed all the same.
    file.state.resources.set(wanted.urn, recordOf(wanted, before.id, before.outputs));
    if (!preview) await file.save();
    return { id: before.id, outputs: before.outputs };
  }

  async #change(
    operation: 'create' | 'update' | 'replace',
    kind: ResourceKind,
    wanted: Registration,
    before: ResourceRecord | undefined,
    keys: readonly string[],
  ): Promise<Registered> {
    const { file, display, preview } = this.#options;
    if (preview) {
      display.step(operation, wanted.type, wanted.name, { keys });
      // Outputs that are not known yet are left out: the SDK takes them for unknown in a preview.
      if (operation === 'update' && before)
        return { id: before.id, outputs: { ...before.outputs, ...wanted.inputs } };
      return { id: '', outputs: wanted.inputs };
    }
    if (operation === 'replace' && before?.protect) throw protectedResource(before);
    const begun = Date.now();
    const made = await this.#begin(operation, kind, wanted, before);
    const outputs = withSecrets(kind, wanted, made.outputs);
    file.state.resources.set(wanted.urn, recordOf(wanted, made.id, outputs));
    await file.save();
    display.step(operation, wanted.type, wanted.name, { keys, seconds: (Date.now() - begun) / 1000 });
    return { id: made.id, outputs };
  }

  /** Written down before it begins, so that the run after a kill knows what may be half done. */
  async #begin(
    operation: 'create' | 'update' | 'replace',
    kind: ResourceKind,
    wanted: Registration,
    before: ResourceRecord | undefined,
  ): Promise<Registered> {
    const { state } = this.#options.file;
    const isOurs = (pending: PendingOperation) => pending.urn === wanted.urn;
    const cutOff = state.pending.some((pending) => isOurs(pending) && pending.operation === 'create');
    if (cutOff && !before) await kind.discard?.(this.#step(wanted));
    state.pending = state.pending.filter((pending) => !isOurs(pending));
    state.pending.push({ urn: wanted.urn, operation: operation === 'update' ? 'update' : 'create' });
    await this.#options.file.save();
    const made = await this.#make(operation, kind, wanted, before).finally(() => {
      state.pending = state.pending.filter((pending) => !isOurs(pending));
    });
    return made;
  }

  async #make(
    operation: Operation,
    kind: ResourceKind,
    wanted: Registration,
    before: ResourceRecord | undefined,
  ): Promise<Registered> {
    const step = this.#step(wanted);
    if (operation === 'update' && before) {
      const outputs = await kind.update({ ...step, id: before.id, outputs: revealAll(before.outputs) });
      return { id: before.id, outputs };
    }
    const deleteFirst = wanted.deleteBeforeReplace ?? kind.deleteFirst;
    if (before && deleteFirst) await this.#deletion().runWithDependents(before, this.#registered);
    const made = await kind.create(step);
    if (before && !deleteFirst) this.#options.file.state.condemned.push(before);
    return made;
  }

  #step(wanted: Registration): Step {
    const { folder, display, signal } = this.#options;
    if (contains(wanted.inputs, isUnknown)) {
      throw new RefreshError('unclassified', 'an input is not known', { object: wanted.urn });
    }
    return {
      folder,
      inputs: revealAll(wanted.inputs),
      provider: this.#providerInputs(wanted.provider),
      signal,
      say: (line) => display.line(wanted.type, wanted.name, line),
    };
  }

  /** The reference is `URN::ID`; an empty one means the default provider, which reads the environment. */
  #providerInputs(reference: string): Properties {
    const urn = reference.slice(0, reference.lastIndexOf('::'));
    return revealAll(this.#options.file.state.resources.get(urn)?.inputs ?? {});
  }
}

function kindOf(type: string): ResourceKind {
  for (const { kinds } of packages) {
    const kind = kinds[type];
    if (kind) return kind;
  }
  throw unsupported(type);
}

function recordOf(registration: Registration, id: string, outputs: Properties): ResourceRecord {
  const {
    additionalSecretOutputs: _,
    ignoreChanges: __,
    replaceOnChanges: ___,
    deleteBeforeReplace: ____,
    ...kept
  } = registration;
  return { ...kept, id, outputs };
}

function protectedResource(record: ResourceRecord): RefreshError {
  return new RefreshError('not-permitted', 'the resource is protected and would be replaced', {
    object: record.urn,
    hint: 'take protect away first',
  });
}

function unsupported(token: string): RefreshError {
  return new RefreshError('tool-missing', 'the in-process apply does not know this type', {
    object: token,
    hint: 'install the Pulumi CLI: with it on PATH the real providers are used',
  });
}
