import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startRun } from './engine-run.ts';
import type { Field } from './field.ts';

/** What clients noticed of one switch; milliseconds. */
export interface Lockout {
  /** Of any client, without an answer. */
  readonly longest: number;
  readonly median: number;
  /** In which no client at all got an answer. */
  readonly nobody: number;
  readonly engine: number;
  readonly answers: number;
  readonly empty: number;
}

/** Lets so many clients query staging all the time while it is refreshed, and measures the gap between their answers. */
export async function crowd(field: Field, port: number, count: number, tls = true): Promise<Lockout> {
  await field.nextGeneration();
  return await gaps(field, { port, tls, count }, async () => {
    const run = await startRun(field, ['--no-artifact']);
    const end = await run.ended;
    if (end.code !== 0) throw new Error(`the refresh failed:\n${end.stderr}`);
    const report = JSON.parse(readFileSync(join(run.folder, 'report.json'), 'utf8')) as {
      published: { lockedOutSeconds: number };
    };
    return Math.round(report.published.lockedOutSeconds * 1000);
  });
}

/** What the same clients notice when somebody merely ends their sessions: what is theirs of a switch. */
export async function ended(field: Field, port: number, count: number): Promise<Lockout> {
  return await gaps(field, { port, tls: true, count }, async () => {
    await field.as('staging', 'postgres', (session) =>
      session.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'business'`),
    );
    return 0;
  });
}

async function gaps(
  field: Field,
  { port, tls, count }: { readonly port: number; readonly tls: boolean; readonly count: number },
  meanwhile: () => Promise<number>,
): Promise<Lockout> {
  const stop = new AbortController();
  const seen: Seen = { answers: 0, empty: 0, nobody: 0, last: performance.now() };
  const longest: number[] = [];
  const clients = Array.from({ length: count }, async (_, index) => {
    longest[index] = await client(field, port, tls, stop.signal, seen);
  });
  await sleep(1000);
  seen.nobody = 0;
  const engine = await meanwhile();
  await sleep(2500);
  const { answers, empty, nobody } = seen;
  stop.abort();
  await Promise.all(clients);
  longest.sort((a, b) => a - b);
  return {
    longest: Math.round(longest.at(-1) ?? 0),
    median: Math.round(longest[Math.floor(longest.length / 2)] ?? 0),
    nobody: Math.round(nobody),
    engine,
    answers,
    empty,
  };
}

interface Seen {
  answers: number;
  empty: number;
  /** Longest time between two answers, whoever got them. */
  nobody: number;
  last: number;
}

/** The longest time between two answers in which this client was cut off. */
async function client(
  field: Field,
  port: number,
  tls: boolean,
  signal: AbortSignal,
  seen: Seen,
): Promise<number> {
  const staging = field.servers.staging;
  let longest = 0;
  let last = performance.now();
  let cut = false;
  while (!signal.aborted) {
    const session = new Client({
      host: 'localhost',
      port,
      ...field.appLogin,
      database: 'business',
      connectionTimeoutMillis: 5000,
      ...(tls ? { ssl: { ca: readFileSync(staging.caFile, 'utf8') } } : {}),
    });
    session.on('error', () => undefined);
    try {
      await session.connect();
      while (!signal.aborted) {
        const { rows } = await session.query<{ whole: boolean }>(
          `select (select count(*) from generation) = 1 and (select min(note) from flags) = 'staging'
              and exists (select from orders) as whole`,
        );
        seen.answers++;
        seen.nobody = Math.max(seen.nobody, performance.now() - seen.last);
        seen.last = performance.now();
        if (rows[0]?.whole !== true) seen.empty++;
        if (cut) longest = Math.max(longest, performance.now() - last);
        cut = false;
        last = performance.now();
        await sleep(10);
      }
    } catch (error) {
      // A missing table would be an empty database under the name.
      if (error instanceof Error && 'code' in error && /^42/.test(String(error.code))) seen.empty++;
      cut = true;
      await sleep(1);
    } finally {
      await session.end().catch(() => undefined);
    }
  }
  return longest;
}
