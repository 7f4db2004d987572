import { text } from 'node:stream/consumers';
import type { Sequence } from '../../model/catalog.ts';
import { RefreshError } from '../../model/errors.ts';
import { display } from '../../model/table.ts';
import { allDone } from '../../system/all-done.ts';
import { giveAllBack } from '../../system/short-lived-memory.ts';
import { compareSchemas, fingerprint, readSchemaScript, type SchemaEntries } from './schema-difference.ts';

/** The two schemas as scripts of pg_dump's, without owners and privileges. */
export interface SchemaScripts {
  /** In pieces, and read again where the two differ: until then nobody keeps it. */
  readonly production: () => AsyncIterable<string>;
  readonly staging: () => Promise<string>;
  /** What staging's server makes of production's, restored once more and by themselves; undefined where it can't be. */
  readonly restored: (() => Promise<string>) | undefined;
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

/**
 * Tables whose columns stand in another order here, with a line for each. CREATE TABLE … INHERITS puts a parent's columns
 * first, and in production a column may have come to the parent later, or the parent to the table: pg_dump has no words
 * for that. COPY names its columns, so every value is in its own.
 */
export function reorderedColumns(
  production: ReadonlyMap<string, string>,
  copied: ReadonlyMap<string, string>,
): string[] {
  return [...production].flatMap(([table, there]) => {
    const here = copied.get(table) ?? there;
    return here === there ? [] : `columns of ${table} are (${there}) in production and (${here}) here`;
  });
}

/**
 * Foreign keys that PostgreSQL makes by itself for partitions, and names by itself, counting up where a name is taken.
 * A line for each that is still called otherwise here: see postgres/key-shares.ts.
 *
 * @throws RefreshError `copy-differs` where there are more or fewer of them.
 */
export function renamedKeys(
  production: ReadonlyMap<string, readonly string[]>,
  copied: ReadonlyMap<string, readonly string[]>,
): string[] {
  const both = [...production].flatMap(([name, there]) => {
    const here = copied.get(name);
    return here ? [{ name, there, here }] : [];
  });
  refuse(
    'constraints',
    both.flatMap(({ name, there, here }) => (there.length === here.length ? [] : name)),
  );
  return both.flatMap(({ name, there, here }) =>
    there.join() === here.join()
      ? []
      : `${name}: ${there.join(', ')} in production is ${here.join(', ')} here`,
  );
}

/**
 * @param told what is there in another way.
 * @param alone whether pg_dump runs by itself: it takes 9 kB for each table.
 */
export async function compareDefinitions(
  scripts: SchemaScripts,
  told: (line: string) => void,
  alone: boolean,
): Promise<number> {
  const expecting = fingerprint(scripts.production());
  if (alone) {
    await expecting;
    giveAllBack();
  }
  const [expected, made] = await allDone([expecting, scripts.staging()]);
  if ((await fingerprint([made])).sum === expected.sum) return expected.entries;
  const taken = await text(scripts.production());
  const staging = readSchemaScript(made);
  const { missing, unexpected, different, relinked } = compareSchemas(readSchemaScript(taken), staging);
  refuse('definitions', [
    ...missing.map((name) => `missing ${name}`),
    ...unexpected.map((name) => `unexpected ${name}`),
  ]);
  if (different.length > 0) {
    const otherwise = scripts.restored
      ? saidAgain(readSchemaScript(await scripts.restored()), different, staging)
      : // Another version may write a view, or an expression, otherwise (16 began to leave out tables' names).
        new Set(versionOf(taken) === versionOf(made) ? [] : different);
    refuse(
      'definitions',
      different.flatMap((name) => (otherwise.has(name) ? [] : `different ${name}`)),
    );
    told(`staging’s PostgreSQL says in other words what production has: ${shorten(different)}`);
  }
  for (const name of relinked)
    told(`the commutator or negator of ${name.replace(/; Type: .*$/s, '')} is another one here`);
  return expected.entries;
}

/** Of those that are different, the ones of which a restore of production's own definition says what the copy has. */
function saidAgain(
  again: SchemaEntries,
  different: readonly string[],
  made: SchemaEntries,
): ReadonlySet<string> {
  return new Set(different.filter((name) => again.get(name) === made.get(name)));
}

function versionOf(script: string): string | undefined {
  return /^-- Dumped from database version (\S+)/m.exec(script)?.[1];
}

export function refuse(what: string, names: readonly string[]): void {
  if (names.length === 0) return;
  throw new RefreshError('copy-differs', shorten(names), {
    object: what,
    hint: 'nothing was published; report it with the log: the copy has to be complete',
  });
}

function shorten(names: readonly string[]): string {
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  return `${names.slice(0, 10).join(', ')}${more}`;
}
