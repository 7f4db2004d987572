import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startRun } from './engine-run.ts';
import type { Field } from './field.ts';

/** What clients noticed of one switch; milliseconds. */
export interface Lockout {
  readonly longest: number;
  readonly median: number;
  readonly engine: number;
  readonly answers: number;
  readonly empty: number;
}

/** Lets so many clients query staging all the time while it is refreshed, and measures the gap between their answers. */
export async function crowd(field: Field, port: number, count: number, tls = true): Promise<Lockout> {
  await field.nextGeneration();
  const stop = new AbortController();
  const seen = { answers: 0, empty: 0 };
  const gaps: number[] = [];
  const clients = Array.from({ length: count }, async (_, index) => {
    gaps[index] = await client(field, port, tls, stop.signal, seen);
  });
  await sleep(1000);
  const run = await startRun(field, ['--no-artifact']);
  const end = await run.ended;
  await sleep(2500);
  stop.abort();
  await Promise.all(clients);
  if (end.code !== 0) throw new Error(`the refresh failed:\n${end.stderr}`);
  const report = JSON.parse(readFileSync(join(run.folder, 'report.json'), 'utf8')) as {
    published: { lockedOutSeconds: number };
  };
  gaps.sort((a, b) => a - b);
  return {
    longest: Math.round(gaps.at(-1) ?? 0),
    median: Math.round(gaps[Math.floor(gaps.length / 2)] ?? 0),
    engine: Math.round(report.published.lockedOutSeconds * 1000),
    ...seen,
  };
}

/** The longest time between two answers in which this client was cut off. */
async function client(
  field: Field,
  port: number,
  tls: boolean,
  signal: AbortSignal,
  seen: { answers: number; empty: number },
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
