import type { Catalog } from '../model/catalog.ts';
import { RefreshError } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';
import type { Verification } from '../model/report.ts';
import type { Run } from '../model/run.ts';
import { display } from '../model/table.ts';
import type { Verified } from '../model/verified.ts';
import { readCatalog, readConstraints } from '../postgres/catalog.ts';
import { openStaging, type Snapshot } from '../postgres/run-sessions.ts';
import { compareCounts } from './verify/counts.ts';
import { compareSchemas, readSchemaScript } from './verify/schema-difference.ts';

/** The two schemas as scripts of pg_dump's, without owners and privileges. */
export interface SchemaScripts {
  readonly production: string;
  readonly staging: string;
}

/**
 * Compares the copy with production while the snapshot still stands: rows per table, sequences, constraints and whether
 * they are validated, and every object's definition. Only what passes can be published.
 *
 * @throws RefreshError `copy-differs`.
 */
export async function verifyCopy(
  run: Run,
  plan: Plan,
  snapshot: Snapshot,
  database: string,
  scripts: SchemaScripts,
): Promise<Verified> {
  const rows = await compareCounts(run, plan, snapshot, database);
  await using session = await openStaging(run, database, { search_path: '' });
  const copied = await readCatalog(session);
  const sequences = compareSequences(plan.catalog, copied);
  const constraints = compareConstraints(
    await readConstraints(snapshot.session),
    await readConstraints(session),
  );
  const schemaEntries = compareDefinitions(scripts);
  const verification: Verification = {
    method: 'counts',
    tables: plan.tables.length,
    rows,
    sequences,
    constraints,
    schemaEntries,
  };
  run.log.info(
    `equal on both sides: ${rows} rows in ${plan.tables.length} tables, ${sequences} sequences, ${constraints} constraints, ${schemaEntries} definitions`,
  );
  return { database, verification } as Verified;
}

function compareSequences(production: Catalog, copied: Catalog): number {
  const here = new Map(copied.sequences.map((sequence) => [display(sequence), sequence]));
  const differing = production.sequences.filter((sequence) => {
    const other = here.get(display(sequence));
    return other?.lastValue !== sequence.lastValue || other.isCalled !== sequence.isCalled;
  });
  refuse('sequences', differing.map(display));
  return production.sequences.length;
}

function compareConstraints(
  production: ReadonlyMap<string, boolean>,
  copied: ReadonlyMap<string, boolean>,
): number {
  refuse(
    'constraints',
    [...production].flatMap(([name, validated]) => (copied.get(name) === validated ? [] : name)),
  );
  return production.size;
}

function compareDefinitions(scripts: SchemaScripts): number {
  const production = readSchemaScript(scripts.production);
  const { missing, unexpected, different } = compareSchemas(production, readSchemaScript(scripts.staging));
  refuse('definitions', [
    ...missing.map((name) => `missing ${name}`),
    ...unexpected.map((name) => `unexpected ${name}`),
    ...different.map((name) => `different ${name}`),
  ]);
  return production.size;
}

function refuse(what: string, names: readonly string[]): void {
  if (names.length === 0) return;
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  throw new RefreshError('copy-differs', `${names.slice(0, 10).join(', ')}${more}`, {
    object: what,
    hint: 'nothing was published; report it with the log: the copy has to be complete',
  });
}
