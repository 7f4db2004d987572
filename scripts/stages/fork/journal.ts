import { createHmac } from 'node:crypto';
import type { Plan } from '../../model/plan.ts';
import type { ForkRun } from '../../model/run.ts';
import { ident, literal } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';

/** A schema of the fork's own database: what is done is written down in the transaction that does it. */
export const journalSchema = 'staging_refresh_fork';

/** One thing to do. Its statements are one transaction, but for those that PostgreSQL allows in none. */
export interface Step {
  readonly name: string;
  readonly statements: readonly string[];
  readonly weight: number;
  /** VACUUM runs in no transaction; the step is done when this table's files are others. */
  readonly rewrites?: string;
}

/** Steps that may be done at the same time, one after the other where `serial` says so. */
export interface Phase {
  readonly name: string;
  readonly serial: boolean;
  readonly steps: readonly Step[];
}

/** All that is to be done to a fork, decided before anything of it is: what is half done can't be planned any more. */
export interface Treatment {
  /** As the fork is treated: conditions and references that are lost are not in `masks` and `where`. */
  readonly plan: Plan;
  /** Production's constraints without what the policy excludes, and whether each is validated. */
  readonly constraints: ReadonlyMap<string, boolean>;
  /** Oids of tables of which rows are masked or left out. */
  readonly changed: ReadonlySet<number>;
  /** What comes before masks, what after them, and what when everything else is in place. */
  readonly before: readonly Phase[];
  readonly rewrite: readonly Phase[];
  readonly after: readonly Phase[];
  readonly last: readonly Phase[];
  /** search_path that the database's sessions begin with. */
  readonly searchPath: string;
  /** Who could connect before; `''` stands for PUBLIC. */
  readonly connect: readonly string[];
}

/** Whether a treatment of this fork has begun. */
export async function hasJournal(session: Session): Promise<boolean> {
  const { there } = await session.row<{ there: boolean }>('select to_regnamespace($1) is not null as there', [
    journalSchema,
  ]);
  return there;
}

/** Statements that make the journal with the treatment in it; they are to be one transaction with the wall. */
export function createJournal(run: ForkRun, treatment: Treatment): string[] {
  const schema = ident(journalSchema);
  return [
    `create schema ${schema}`,
    `create table ${schema}.treatment (mark text, content text)`,
    `create table ${schema}.done (step text primary key, result text, at timestamptz default now())`,
    `create table ${schema}.counted (relation oid primary key, rows int8, gone int8)`,
    `create table ${schema}.batches (relation oid, number int, first int8, beyond int8, clear text, primary key (relation, number))`,
    `insert into ${schema}.treatment values (${literal(markOf(run))}, ${literal(JSON.stringify(treatment, toPlain))})`,
  ];
}

/** What an earlier run has decided; undefined where it had another policy or another key of the masks. */
export async function readJournal(run: ForkRun, session: Session): Promise<Treatment | undefined> {
  const [row] = await session.rows<{ mark: string; content: string }>(
    `select mark, content from ${ident(journalSchema)}.treatment`,
  );
  if (row?.mark !== markOf(run)) return undefined;
  return JSON.parse(row.content, fromPlain) as Treatment;
}

/** Whether a step is done, and what it gave. */
export async function readDone(session: Session): Promise<Map<string, string>> {
  const rows = await session.rows<{ step: string; result: string | null }>(
    `select step, result from ${ident(journalSchema)}.done`,
  );
  return new Map(rows.map(({ step, result }) => [step, result ?? '']));
}

/** Of the tables that are changed, by oid: how many rows they had, and how many were left out. */
export async function readCounted(
  session: Session,
): Promise<Map<number, { readonly rows: number; readonly gone: number }>> {
  const rows = await session.rows<{ relation: number; rows: number; gone: number }>(
    `select relation::int8::float8 as relation, rows::float8 as rows, gone::float8 as gone
       from ${ident(journalSchema)}.counted`,
  );
  return new Map(rows.map(({ relation, ...counts }) => [relation, counts]));
}

/** The statement that writes a step down. */
export function done(step: string, result?: string): string {
  return `insert into ${ident(journalSchema)}.done (step, result) values (${literal(step)}, ${result === undefined ? 'null' : literal(result)})`;
}

/** Of policy and mask key together; neither can be read from it. */
function markOf({ config }: ForkRun): string {
  return createHmac('sha256', config.maskKey?.reveal() ?? '')
    .update(JSON.stringify(config.policy ?? null, toPlain))
    .digest('hex');
}

function toPlain(_: string, value: unknown): unknown {
  if (value instanceof Map) return { $map: [...value] };
  return value instanceof Set ? { $set: [...value] } : value;
}

function fromPlain(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$map' in value) return new Map(value.$map as [unknown, unknown][]);
  return '$set' in value ? new Set(value.$set as unknown[]) : value;
}
