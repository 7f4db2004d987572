import { asSecret, contains, isSecret, type Properties, reveal } from './property.ts';
import type { ResourceKind } from './provider.ts';
import type { Registration } from './registration.ts';

/** Secret are: what the provider or the program calls so, and an output that repeats a secret input. */
export function withSecrets(kind: ResourceKind, wanted: Registration, outputs: Properties): Properties {
  const named = new Set([...kind.secretOutputs, ...wanted.additionalSecretOutputs]);
  const secretive = kind.outputsRepeatInputs === true && contains(wanted.inputs, isSecret);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => {
      const input = wanted.inputs[name];
      if (input !== undefined && reveal(input) === value) return [name, input];
      const hidden = named.has(name) || (input === undefined ? secretive : contains(input, isSecret));
      return [name, hidden && value !== null ? asSecret(value) : value];
    }),
  );
}

/** The outputs of a resource that is only read. */
export function withSecretNames(outputs: Properties, names: readonly string[]): Properties {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, names.includes(name) ? asSecret(value) : value]),
  );
}
