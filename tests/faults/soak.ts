import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPair, stopPair } from '../support/pair.ts';
import { writeSection } from './document.ts';
import { startRun } from './engine-run.ts';
import { Field } from './field.ts';

/** `npm run test:soak -- --refreshes 50 --write docs/reliability.md`: one after the other, with data that change. */
const { values } = parseArgs({
  options: { refreshes: { type: 'string', default: '50' }, write: { type: 'string' } },
});
const refreshes = Number(values.refreshes);

interface Turn {
  readonly seconds: number;
  /** Largest resident set of the engine's process, in MB. */
  readonly peak: number;
  readonly sessions: number;
  readonly databases: number;
  readonly files: number;
  readonly artifacts: number;
}

const turns: Turn[] = [];
const pair = await startPair();
try {
  await using field = await Field.open(pair);
  field.startReaders(2);
  const places = { temporary: join(field.folder, 'tmp'), artifacts: join(field.folder, 'artifacts') };
  for (let turn = 0; turn < refreshes; turn++) {
    turns.push(await refresh(field, places));
    process.stderr.write(`${turn + 1}: ${JSON.stringify(turns.at(-1))}\n`);
  }
  if (field.reads.flaws.length > 0) throw new Error(`a reader saw ${field.reads.flaws[0]}`);
  process.stderr.write(`${field.reads.good} answers of readers, all of a whole database\n`);
  if (values.write) writeSection(values.write, 'soak', report(turns, field.reads.good));
} finally {
  await stopPair(pair);
}
const first = turns[0];
const last = turns.at(-1);
const leaks = (['sessions', 'databases', 'files', 'artifacts'] as const).filter(
  (what) => (last?.[what] ?? 0) > (turns[2]?.[what] ?? first?.[what] ?? 0),
);
if (leaks.length > 0) {
  process.stderr.write(`more after the last refresh than after the third: ${leaks.join(', ')}\n`);
  process.exitCode = 1;
}

async function refresh(field: Field, places: { temporary: string; artifacts: string }): Promise<Turn> {
  await field.nextGeneration();
  const begun = performance.now();
  // Artifacts are named by the second.
  const run = await startRun(field, ['--keep-artifacts', '3'], places);
  let peak = 0;
  const sampling = setInterval(() => {
    peak = Math.max(peak, peakOf(run.pid));
  }, 20);
  const end = await run.ended;
  clearInterval(sampling);
  if (end.code !== 0) throw new Error(`a refresh failed:\n${end.stderr}`);
  if ((await field.staging()).generation !== field.generation) throw new Error('staging is not the new one');
  const { sessions, databases } = await inServers(field);
  return {
    seconds: (end.at - begun) / 1000,
    peak,
    sessions,
    databases,
    files: readdirSync(places.temporary).length,
    artifacts: readdirSync(places.artifacts).filter((name) => name.endsWith('.sql.zst')).length,
  };
}

/** VmHWM, which the kernel keeps: the last sample is the whole run's. */
function peakOf(pid: number): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Math.round(Number(kilobytes ?? 0) / 1000);
  } catch {
    return 0;
  }
}

async function inServers(field: Field): Promise<{ sessions: number; databases: number }> {
  let [sessions, databases] = [0, 0];
  for (const side of ['production', 'staging'] as const) {
    const row = await field.as(side, 'postgres', async (session) => {
      const { rows } = await session.query<{ sessions: number; databases: number }>(
        `select (select count(*)::int from pg_stat_activity where application_name like 'staging-refresh%') as sessions,
                (select count(*)::int from pg_database) as databases`,
      );
      return rows[0];
    });
    sessions += row?.sessions ?? 0;
    databases += row?.databases ?? 0;
  }
  return { sessions, databases };
}

function report(all: readonly Turn[], answers: number): string {
  const at = (what: keyof Turn) =>
    [all[2], all.at(-1)].map((turn) => (turn?.[what] ?? 0).toFixed(what === 'seconds' ? 1 : 0));
  const line = (name: string, what: keyof Turn) =>
    `| ${name} | ${at(what).join(' | ')} | ${Math.max(...all.map((turn) => turn[what])).toFixed(what === 'seconds' ? 1 : 0)} |`;
  return [
    `${all.length} refreshes in a row (\`npm run test:soak -- --refreshes ${all.length}\`), each with other data, an artifact each, ${answers} answers of clients checked meanwhile:`,
    '',
    '| | after the 3rd | after the last | most |',
    '|---|---|---|---|',
    line('sessions of the engine left', 'sessions'),
    line('databases on both servers', 'databases'),
    line('temporary files left', 'files'),
    line('artifacts (`--keep-artifacts 3`)', 'artifacts'),
    line('largest resident set of the engine, MB', 'peak'),
    line('seconds', 'seconds'),
  ].join('\n');
}
