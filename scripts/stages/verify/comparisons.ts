import type { Sequence } from '../../model/catalog.ts';
import { RefreshError } from '../../model/errors.ts';
import { display } from '../../model/table.ts';
import { compareSchemas, readSchemaScript } from './schema-difference.ts';

/** The two schemas as scripts of pg_dump's, without owners and privileges. */
export interface SchemaScripts {
  readonly production: string;
  readonly staging: string;
}

/** Each of these returns how many it compared. @throws RefreshError `copy-differs`. */
export function compareSequences(production: readonly Sequence[], copied: readonly Sequence[]): number {
  const here = new Map(copied.map((sequence) => [display(sequence), sequence]));
  const differing = production.filter((sequence) => {
    const other = here.get(display(sequence));
    return other?.lastValue !== sequence.lastValue || other.isCalled !== sequence.isCalled;
  });
  refuse('sequences', differing.map(display));
  return production.length;
}

export function compareConstraints(
  production: ReadonlyMap<string, boolean>,
  copied: ReadonlyMap<string, boolean>,
): number {
  refuse(
    'constraints',
    [...production].flatMap(([name, validated]) => (copied.get(name) === validated ? [] : name)),
  );
  return production.size;
}

export function compareDefinitions(scripts: SchemaScripts): number {
  const production = readSchemaScript(scripts.production);
  const { missing, unexpected, different } = compareSchemas(production, readSchemaScript(scripts.staging));
  refuse('definitions', [
    ...missing.map((name) => `missing ${name}`),
    ...unexpected.map((name) => `unexpected ${name}`),
    ...different.map((name) => `different ${name}`),
  ]);
  return production.size;
}

export function refuse(what: string, names: readonly string[]): void {
  if (names.length === 0) return;
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  throw new RefreshError('copy-differs', `${names.slice(0, 10).join(', ')}${more}`, {
    object: what,
    hint: 'nothing was published; report it with the log: the copy has to be complete',
  });
}
