import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { asRefreshError, formatError, RefreshError } from '../model/errors.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import { onInterruption } from '../system/interruption.ts';
import { type BenchPair, closePair, openPair } from './bench-pair.ts';
import { chart } from './chart.ts';
import { comparisonCells, markdownTable, phaseCells } from './comparison-table.ts';
import type { Contender } from './contender.ts';
import { writeChart, writeSection } from './document.ts';
import { growthCells, measureGrowth } from './growth.ts';
import { compare } from './measurement.ts';
import { type BenchOptions, readOptions, usage } from './options.ts';
import { directoryDumps, documentedFlow } from './pg-dump-ways.ts';
import { pgcopydb } from './pgcopydb.ts';
import { measurePolicy, policyCells } from './policy.ts';
import { contentOf, makeProduction } from './production-data.ts';
import { refreshRuns } from './refresh-ways.ts';
import { restoreWays } from './restore-ways.ts';
import { runRounds } from './rounds.ts';
import { describeContent, describeSetting } from './setting.ts';

const begun = performance.now();

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(usage);
  else await bench(options);
} catch (cause) {
  const error = asRefreshError(cause);
  process.stderr.write(`${formatError(error)}\n`);
  process.exitCode = error.exitCode;
}

async function bench(options: BenchOptions): Promise<void> {
  const interruption = new AbortController();
  const released = onInterruption((reason) => interruption.abort(reason), say);
  const { signal } = interruption;
  try {
    say('two servers');
    const pair = await openPair(options.folder, say);
    try {
      if (options.mode === 'policy') return await benchPolicy(pair, options, signal);
      const contenders = await chooseContenders(pair, options);
      if (options.mode === 'growth') await benchGrowth(pair, contenders, options, signal);
      else await benchCopy(pair, contenders, options, signal);
    } finally {
      await closePair(pair, options.keep);
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    released();
  }
}

async function benchCopy(
  pair: BenchPair,
  contenders: readonly Contender[],
  options: BenchOptions,
  signal: AbortSignal,
): Promise<void> {
  say('data');
  const productionDatabase = await makeProduction(pair, options, signal);
  const expected = await contentOf(pair.production, productionDatabase);
  say(describeContent(expected));
  const { rounds, jobs, roundTripMs } = options;
  const results = await runRounds({
    pair,
    contenders,
    productionDatabase,
    expected,
    rounds,
    jobs,
    roundTripMs,
    signal,
    say,
  });
  const comparisons = compare(results, availableParallelism());
  const setting = describeSetting(pair, options, [describeContent(expected), `${jobs} jobs`]);
  const phases = comparisons
    .filter((one) => one.phases.length > 0)
    .map((one) => `Phases of \`${one.key}\`:\n\n${markdownTable(phaseCells(one))}`);
  const text = [setting, markdownTable(comparisonCells(comparisons)), ...phases].join('\n\n');
  process.stdout.write(`${text}\n`);
  if (options.results) await writeResults(options.results, { setting, expected, comparisons, results });
  if (!options.docs) return;
  if (contenders.some(({ prepare }) => prepare)) {
    say(`written: ${await writeSection(options.docs, 'restore', text)}`);
    return;
  }
  await writeChart(options.docs, chart(comparisons, describeContent(expected)));
  say(`written: ${await writeSection(options.docs, 'copy', text)}`);
}

async function benchPolicy(pair: BenchPair, options: BenchOptions, signal: AbortSignal): Promise<void> {
  say('data');
  const size = { kind: 'people' as const, scale: options.scale, smallTables: 0 };
  const production = await makeProduction(pair, size, signal);
  const measured = await measurePolicy(pair, production, options.rounds, say);
  const setting = describeSetting(pair, options, [`${measured.rows.toLocaleString('en')} people`]);
  const { copies, masks, subset } = policyCells(measured);
  const text = [setting, ...[copies, masks, subset].map(markdownTable)].join('\n\n');
  process.stdout.write(`${text}\n`);
  if (options.results) await writeResults(options.results, { setting, measured });
  if (options.docs) say(`written: ${await writeSection(options.docs, 'policy', text)}`);
}

async function benchGrowth(
  pair: BenchPair,
  contenders: readonly Contender[],
  options: BenchOptions,
  signal: AbortSignal,
): Promise<void> {
  const measured = await measureGrowth(pair, contenders, options, signal, say);
  const setting = describeSetting(pair, options, []);
  const titles = contenders.map(({ key, title }) => `\`${key}\`: ${title}`);
  const text = [setting, `${titles.join('; ')}.`, markdownTable(growthCells(measured))].join('\n\n');
  process.stdout.write(`${text}\n`);
  if (options.results) await writeResults(options.results, { setting, measured });
  if (options.docs) say(`written: ${await writeSection(options.docs, 'growth', text)}`);
}

/** Growth compares ours with the one strong peer unless it is told otherwise: each further one takes as long again. */
async function chooseContenders(pair: BenchPair, options: BenchOptions): Promise<Contender[]> {
  const clone = pgcopydb();
  if (!clone) say('pgcopydb is not on PATH: it takes no part');
  const all = [
    documentedFlow,
    ...(await directoryDumps(pair.tools)),
    ...(clone ? [clone] : []),
    ...refreshRuns,
  ];
  const only = options.only ?? (options.mode === 'growth' ? ['directory', 'refresh'] : undefined);
  if (!only) return all;
  // Restoring is another race: nobody reads production in it.
  const restores = await restoreWays(pair.tools);
  const race = only.some((name) => restores.some(({ key }) => key === name)) ? restores : all;
  const chosen = race.filter(({ key }) => only.includes(key));
  const unknown = only.filter((key) => !race.some((contender) => contender.key === key));
  if (unknown.length === 0) return chosen;
  throw new RefreshError('bad-flag', `nothing here is called ${unknown.join(', ')}`, {
    object: '--only',
    hint: `there are ${race.map(({ key }) => key).join(', ')}`,
  });
}

async function writeResults(file: string, results: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomically(file, `${JSON.stringify(results, null, 2)}\n`, 0o644);
}

function say(line: string): void {
  const seconds = ((performance.now() - begun) / 1000).toFixed(0).padStart(5);
  process.stderr.write(`${seconds} s  ${line}\n`);
}
