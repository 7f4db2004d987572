import { commentWith, type PastRun, runsOfComment } from '../model/history.ts';
import { ident, literal } from '../model/table.ts';
import type { Session } from './session.ts';

/**
 * Published runs that staging itself remembers, oldest first: lines in the comment on its database. A comment needs no
 * right that a refresh doesn't need anyway, survives the runner, and goes with the database in a rollback.
 */
export async function readRuns(maintenance: Session, live: string): Promise<PastRun[]> {
  return runsOfComment(await readComment(maintenance, live));
}

/** Adds one; the oldest go, and what else the comment says stays. */
export async function rememberRun(maintenance: Session, live: string, run: PastRun): Promise<void> {
  const comment = commentWith(await readComment(maintenance, live), run);
  await maintenance.run(`comment on database ${ident(live)} is ${literal(comment)}`, live);
}

async function readComment(maintenance: Session, live: string): Promise<string | null> {
  const [row] = await maintenance.rows<{ comment: string | null }>(
    `select pg_catalog.shobj_description(oid, 'pg_database') as comment
       from pg_catalog.pg_database where datname = $1`,
    [live],
  );
  return row?.comment ?? null;
}
