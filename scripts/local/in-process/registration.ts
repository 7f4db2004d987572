import { objectIn } from './api-client.ts';
import type { Properties, Property } from './property.ts';
import type { ResourceRecord } from './state.ts';

/** What the program says of one resource when it registers it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly parent: string;
  readonly custom: boolean;
  readonly inputs: Properties;
  readonly provider: string;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly additionalSecretOutputs: readonly string[];
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  /** Another value than last time replaces the resource; null where there is none. */
  readonly replacementTrigger: Property;
  /** Undefined: as the type has it. */
  readonly deleteBeforeReplace: boolean | undefined;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** URN of the resource whose deletion deletes this one too; or empty. */
  readonly deletedWith: string;
}

/** The SDK's RegisterResourceRequest, as far as it is read. */
export interface RegisterResourceRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getRemote(): boolean;
  getImportid(): string;
  getObject(): Struct | undefined;
  getProvider(): string;
  getDependenciesList(): string[];
  getPropertydependenciesMap(): {
    forEach(visit: (value: { getUrnsList(): string[] }, key: string) => void): void;
  };
  getAdditionalsecretoutputsList(): string[];
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
  getReplacementTrigger(): { toJavaScript(): Property } | undefined;
  getDeletebeforereplace(): boolean;
  getDeletebeforereplacedefined(): boolean;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDeletedwith(): string;
}

export interface Struct {
  toJavaScript(): Properties;
}

export function readRegistration(request: RegisterResourceRequest, urn: string): Registration {
  const propertyDependencies: Record<string, readonly string[]> = {};
  request.getPropertydependenciesMap().forEach((value, key) => {
    propertyDependencies[key] = value.getUrnsList();
  });
  return {
    type: request.getType(),
    name: request.getName(),
    urn,
    parent: request.getParent(),
    custom: request.getCustom(),
    inputs: request.getObject()?.toJavaScript() ?? {},
    provider: request.getProvider(),
    dependencies: request.getDependenciesList(),
    propertyDependencies,
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    replacementTrigger: request.getReplacementTrigger()?.toJavaScript() ?? null,
    deleteBeforeReplace: request.getDeletebeforereplacedefined()
      ? request.getDeletebeforereplace()
      : undefined,
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    deletedWith: request.getDeletedwith(),
  };
}

/**
 * With the values that the resource has for what the program says to ignore: an input, or one entry of an input's
 * object, as in `environment.NAME`.
 */
export function withIgnored(registration: Registration, before: ResourceRecord | undefined): Registration {
  if (!before) return registration;
  const inputs: Record<string, Property> = { ...registration.inputs };
  for (const path of registration.ignoreChanges) {
    const [key = '', entry] = path.split('.');
    if (entry === undefined) {
      inputs[key] = before.inputs[key] ?? null;
      continue;
    }
    const { [entry]: _, ...others } = objectIn(inputs, key);
    const kept = objectIn(before.inputs, key)[entry];
    inputs[key] = kept === undefined ? others : { ...others, [entry]: kept };
  }
  return { ...registration, inputs };
}
