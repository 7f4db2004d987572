/**
 * Property values as the SDK hands them to its monitor: JSON, in which a secret is an object with a signature. The
 * wrapping stays on wherever a value is kept, and comes off only where a provider needs the value itself.
 */
export type Property = null | boolean | number | string | readonly Property[] | Properties;

export interface Properties {
  readonly [name: string]: Property;
}

/** From the SDK's wire format; they never change, since every state file holds them. */
export const signatureKey = '4dabf18193072939515e22adb298388d';
export const secretSignature = '1b47061264138c4ac30d75fd1eb44270';
const unknownValue = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

export function asSecret(value: Property): Property {
  return isSecret(value) ? value : { [signatureKey]: secretSignature, value };
}

export function isSecret(value: Property): value is Properties {
  return isObject(value) && value[signatureKey] === secretSignature;
}

export function isObject(value: Property | undefined): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value with every secret's wrapping taken off. */
export function reveal(value: Property): Property {
  if (isSecret(value)) return reveal(value.value ?? null);
  if (Array.isArray(value)) return value.map(reveal);
  if (isObject(value)) return mapValues(value, reveal);
  return value;
}

export function revealAll(properties: Properties): Properties {
  return mapValues(properties, reveal);
}

export function mapValues(properties: Properties, change: (value: Property) => Property): Properties {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, change(value)]));
}

/** Whether the value satisfies `test`, itself or anywhere inside. */
export function contains(value: Property, test: (value: Property) => boolean): boolean {
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((element) => contains(element, test));
  return isObject(value) && Object.values(value).some((element) => contains(element, test));
}

export function isUnknown(value: Property): boolean {
  return value === unknownValue;
}

/** Names of the properties that differ, secretness aside; null and absent are the same. */
export function changedKeys(before: Properties, after: Properties): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !same(reveal(before[name] ?? null), reveal(after[name] ?? null))).sort();
}

export function same(a: Property, b: Property): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** A string property; absent ones and other types read as undefined. */
export function textOf(properties: Properties, name: string): string | undefined {
  const value = properties[name];
  return typeof value === 'string' ? value : undefined;
}

function sorted(value: Property): Property {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, element]) => element !== null);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, element]) => [name, sorted(element)]),
  );
}
