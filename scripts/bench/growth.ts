import { availableParallelism } from 'node:os';
import { formatBytes } from '../system/log.ts';
import type { BenchPair } from './bench-pair.ts';
import type { Cells } from './comparison-table.ts';
import type { Contender } from './contender.ts';
import { type Comparison, type ContenderResult, compare } from './measurement.ts';
import type { BenchOptions } from './options.ts';
import { type Content, contentOf, makeProduction } from './production-data.ts';
import { runRounds } from './rounds.ts';

/** One point of a series: a size of data and a number of jobs. */
export interface GrowthPoint {
  readonly series: 'data' | 'tables' | 'jobs';
  readonly scale: number;
  readonly smallTables: number;
  readonly jobs: number;
}

export interface MeasuredPoint {
  readonly point: GrowthPoint;
  readonly content: Content;
  readonly results: readonly ContenderResult[];
}

/** Each series changes one thing and leaves the other two; the many tables come with little other data. */
function growthPoints(options: Pick<BenchOptions, 'scale' | 'smallTables' | 'jobs'>): GrowthPoint[] {
  const { scale, smallTables, jobs } = options;
  return [
    ...[0.25, 1, 4].map((factor) => ({ series: 'data' as const, scale: scale * factor, smallTables, jobs })),
    ...[100, 1000, 10_000].map((tables) => ({
      series: 'tables' as const,
      scale: scale * 0.02,
      smallTables: tables,
      jobs,
    })),
    ...[1, 2, 4].map((many) => ({ series: 'jobs' as const, scale, smallTables, jobs: many })),
  ];
}

export async function measureGrowth(
  pair: BenchPair,
  contenders: readonly Contender[],
  options: BenchOptions,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<MeasuredPoint[]> {
  const measured: MeasuredPoint[] = [];
  for (const point of growthPoints(options)) {
    say(`${point.series}: scale ${point.scale}, ${point.smallTables} small tables, ${point.jobs} jobs`);
    const productionDatabase = await makeProduction(pair, point, signal);
    const expected = await contentOf(pair.production, productionDatabase);
    const { rounds } = options;
    const results = await runRounds({
      pair,
      contenders,
      productionDatabase,
      expected,
      rounds,
      jobs: point.jobs,
      signal,
      say,
    });
    measured.push({ point, content: expected, results });
  }
  return measured;
}

/** One row for each point, two columns for each contender's time and one for our share of the fastest peer's. */
export function growthCells(measured: readonly MeasuredPoint[]): Cells {
  const [first] = measured;
  const contenders = first?.results ?? [];
  const heads = [
    'series',
    'table data',
    'tables',
    'jobs',
    ...contenders.map(({ key }) => `${key}, s`),
    ...contenders
      .filter(({ ours }) => ours)
      .flatMap(({ key }) => [`${key} ratio`, `${key} CPU-s`, `${key} memory`]),
  ];
  return [heads, ...measured.map(growthRow)];
}

function growthRow({ point, content, results }: MeasuredPoint): string[] {
  const comparisons = compare(results, availableParallelism());
  return [
    point.series,
    formatBytes(content.tableBytes),
    content.tables.toLocaleString('en'),
    String(point.jobs),
    ...comparisons.map((one) => one.seconds.toFixed(1)),
    ...comparisons.filter((one) => one.ours).flatMap(ourCells),
  ];
}

function ourCells(one: Comparison): string[] {
  return [
    one.ratio?.toFixed(2) ?? '',
    (one.serverCpuSeconds + one.clientCpuSeconds).toFixed(1),
    formatBytes(one.peakMemoryBytes),
  ];
}
