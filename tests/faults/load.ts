import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { libpqAs } from '../support/libpq.ts';
import { startPair, stopPair, type TestPair } from '../support/pair.ts';
import { writeSection } from './document.ts';
import { startRun } from './engine-run.ts';
import { Field } from './field.ts';
import { type Bouncer, startBouncer } from './pgbouncer.ts';
import { crowd, ended, type Lockout } from './switch-crowd.ts';

/**
 * `npm run test:load -- --seconds 30 --write docs/reliability.md`: what production's clients notice of a refresh, and
 * how long staging's can't connect. PgBouncer is measured where PGBOUNCER names its program.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, write: { type: 'string' } },
});
const seconds = Number(values.seconds);
const scale = 20;
const rate = 60;

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly transactions: number;
}

const pair = await startPair();
try {
  await using field = await Field.open(pair);
  // Staging first: afterwards it is a copy of another database.
  const switched = await staging(field);
  const lines = [...(await production(pair, field)), '', ...switched];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (values.write) writeSection(values.write, 'load', lines.join('\n'));
} finally {
  await stopPair(pair);
}

async function production(pair: TestPair, field: Field): Promise<string[]> {
  await bench(pair, ['--initialize', '--quiet', `--scale=${scale}`]);
  await pgbench(pair, 5);
  const without = await pgbench(pair, seconds);
  const measured = pgbench(pair, seconds);
  await sleep(1000);
  const run = await startRun(field, [], { production: 'bench' });
  const held = { seconds: 0, transactions: 0 };
  const watching = setInterval(() => void observe(pair, held).catch(() => undefined), 200);
  const end = await run.ended;
  clearInterval(watching);
  const during = await measured;
  if (end.code !== 0) throw new Error(`the refresh under load failed:\n${end.stderr}`);
  const report = JSON.parse(readFileSync(join(run.folder, 'report.json'), 'utf8')) as {
    seconds: number;
    tables: { bytes: number; rows: number }[];
  };
  const bytes = report.tables.reduce((sum, table) => sum + table.bytes, 0);
  const cells = ({ p50, p99, transactions }: Latency) =>
    `${p50.toFixed(1)} ms | ${p99.toFixed(1)} ms | ${transactions}`;
  return [
    `Production: \`pgbench\` (scale ${scale}, TPC-B-like, 4 clients, ${rate} transactions a second, ${seconds} s), servers, engine and clients on the same two cores.`,
    '',
    '| | p50 | p99 | transactions |',
    '|---|---|---|---|',
    `| without a refresh | ${cells(without)} |`,
    `| with one, of ${report.seconds.toFixed(1)} s in it | ${cells(during)} |`,
    '',
    `The refresh read ${(bytes / 1e6).toFixed(0)} MB as COPY data and held production's xmin back for ${held.seconds.toFixed(1)} s, ${held.transactions} transactions, at most.`,
  ];
}

/** Oldest snapshot of the run's sessions. */
async function observe(pair: TestPair, held: { seconds: number; transactions: number }): Promise<void> {
  const { production } = pair;
  await withSession(production, superuser(production), 'postgres', async (session) => {
    const { rows } = await session.query<{ seconds: number; transactions: number }>(
      `select coalesce(max(extract(epoch from now() - xact_start)), 0)::float8 as seconds, coalesce(max(age(backend_xmin)), 0)::int as transactions
         from pg_stat_activity where application_name like 'staging-refresh%' and backend_xmin is not null`,
    );
    held.seconds = Math.max(held.seconds, rows[0]?.seconds ?? 0);
    held.transactions = Math.max(held.transactions, rows[0]?.transactions ?? 0);
  });
}

/** Latencies from pgbench's own log, one line a transaction: the third column is microseconds. */
async function pgbench(pair: TestPair, time: number): Promise<Latency> {
  const folder = mkdtempSync(join(pair.folder, 'pgbench-'));
  await bench(pair, ['--client=4', `--time=${time}`, `--rate=${rate}`, '--log', '--no-vacuum'], folder);
  const latencies = readdirSync(folder)
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').trim().split('\n'))
    .map((line) => Number(line.split(' ')[2]) / 1000)
    .sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), transactions: latencies.length };
}

async function bench(pair: TestPair, args: string[], cwd = pair.folder): Promise<void> {
  const { production, tools, app } = pair;
  if (args.includes('--initialize')) {
    await withSession(production, superuser(production), 'postgres', (session) =>
      session.query('create database bench owner app'),
    );
  }
  await promisify(execFile)(join(tools.bindir, 'pgbench'), [...args, 'bench'], {
    cwd,
    env: {
      ...libpqAs({ server: production, name: 'bench' }, app),
      PGOPTIONS: '-c synchronous_commit=on',
    },
  });
}

async function staging(field: Field): Promise<string[]> {
  const { port } = field.servers.staging;
  const direct = await crowd(field, port, 50);
  const alone = await ended(field, port, 50);
  await using bouncer: Bouncer | undefined = await startBouncer(field);
  const pooled = bouncer ? await crowd(field, bouncer.port, 50, false) : undefined;
  const row = (name: string, { longest, median, nobody, engine, answers, empty }: Lockout) =>
    `| ${name} | ${engine > 0 ? `${engine} ms` : ''} | ${nobody} ms | ${longest} ms | ${median} ms | ${answers} | ${empty} |`;
  return [
    'Staging: 50 clients that query every 10 ms at the moment of the switch and connect again at once, over TLS.',
    '',
    '| | the engine’s own figure | nobody got an answer for | longest time without an answer of any client | median of the clients | answers | answers of an empty or mixed database |',
    '|---|---|---|---|---|---|---|',
    row('direct connections', direct),
    row('for comparison: no refresh, all 50 sessions ended once by an administrator', alone),
    pooled
      ? row('through PgBouncer 1.18 (Debian 12), transaction pooling, `server_login_retry` 1 s', pooled)
      : '| through PgBouncer | not measured: PGBOUNCER is not set | | | | | |',
  ];
}
