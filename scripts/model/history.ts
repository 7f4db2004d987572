import type { Policy } from './policy.ts';
import type { Report } from './report.ts';

/** What is remembered of a run that has ended: a refresh, or what else has changed staging. */
export interface PastRun {
  readonly runId: string;
  /** ISO time. */
  readonly finishedAt: string;
  readonly outcome: Report['outcome'] | 'rolled back' | 'restored';
  /** Of a rollback: id of the run whose content is staging's again; absent where none is known. Of a restore: the file. */
  readonly from?: string;
  readonly seconds: number;
  readonly tables: number;
  readonly rows: number;
  /** Bytes of COPY data. */
  readonly bytes: number;
  /** Size of the copied tables in production; null where it is not known. */
  readonly sourceBytes: number | null;
  /** Of a refresh: a data policy decided what staging got. */
  readonly underPolicy?: true;
  /** Code of the error that ended it. */
  readonly error?: string;
}

export function pastRunOf(report: Report, policy?: Policy): PastRun {
  const sum = (value: (table: Report['tables'][number]) => number) =>
    report.tables.reduce((total, table) => total + value(table), 0);
  return {
    runId: report.runId,
    finishedAt: report.finishedAt,
    outcome: report.outcome,
    seconds: report.seconds,
    tables: report.tables.length,
    rows: sum(({ rows }) => rows),
    bytes: sum(({ bytes }) => bytes),
    sourceBytes: report.work?.sourceBytes ?? null,
    ...(policy ? { underPolicy: true } : {}),
    ...(report.error ? { error: report.error.code } : {}),
  };
}

/** A change of staging that is no refresh: nothing was copied, so it says nothing of production's growth. */
export function changeOf(
  { id, finishedAt }: { readonly id: string; readonly finishedAt: string },
  outcome: 'rolled back' | 'restored',
  from: string | undefined,
): PastRun {
  const nothing = { seconds: 0, tables: 0, rows: 0, bytes: 0, sourceBytes: null };
  return { runId: id, finishedAt, outcome, ...nothing, ...(from ? { from } : {}) };
}

/** Id of the run whose content staging has, by what its comment remembers; undefined where it remembers none. */
export function contentOf(runs: readonly PastRun[]): string | undefined {
  const last = runs.findLast(({ outcome }) => outcome !== 'failed');
  return last?.outcome === 'rolled back' ? last.from : last?.runId;
}

/** Each run once, oldest first; what an earlier list says of a run wins. */
export function mergeRuns(...lists: readonly (readonly PastRun[])[]): PastRun[] {
  const runs = new Map<string, PastRun>();
  for (const run of lists.flat()) if (!runs.has(run.runId)) runs.set(run.runId, run);
  return [...runs.values()].sort((a, b) => a.finishedAt.localeCompare(b.finishedAt));
}

/** The last refresh; undefined where none is remembered. Staging may have been rolled back since: `contentOf`. */
export function lastPublished(runs: readonly PastRun[]): PastRun | undefined {
  return runs.findLast(({ outcome }) => outcome === 'published');
}

/** How long a run takes if it goes as the last one did, by the size of what there is to copy. */
export function estimateSeconds(last: PastRun, sourceBytes: number): number {
  return last.seconds * (last.sourceBytes ? sourceBytes / last.sourceBytes : 1);
}

/** Fewer runs say nothing of a trend. */
const leastForTrend = 4;
const mostForTrend = 12;

export interface Trend {
  /** Runs that it was read from. */
  readonly runs: number;
  /** Growth from one run to the next, as a share of the mean: 0.05 is 5 %. */
  readonly seconds: number;
  readonly rows: number;
  readonly bytes: number;
}

/** The straight line through the last published runs (least squares); undefined where they are too few. */
export function trendOf(runs: readonly PastRun[]): Trend | undefined {
  const published = runs.filter(({ outcome }) => outcome === 'published').slice(-mostForTrend);
  if (published.length < leastForTrend) return undefined;
  return {
    runs: published.length,
    seconds: growth(published.map(({ seconds }) => seconds)),
    rows: growth(published.map(({ rows }) => rows)),
    bytes: growth(published.map(({ bytes }) => bytes)),
  };
}

function growth(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (mean === 0) return 0;
  const covariance = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  const variance = values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  return covariance / variance / mean;
}

/** Refreshes that staging's own comment remembers, two months of weeks, and as many other changes. */
const remembered = 8;

const refreshLine =
  /^refreshed (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z): (\d{1,15}) rows, (\d{1,15}) tables, (\d{1,15}) bytes copied of (\d{1,15}), (\d{1,9}\.\d) s(, under a policy)? \(staging-refresh (\w{1,40})\)$/;
const changeLine =
  /^(rolled back|restored) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)(?:: (?:to|from) (.+))? \(staging-refresh (\w{1,40})\)$/;

/** One run as a line of the database's comment: for people too, in psql's `\l+`. */
function formatLine(run: PastRun): string {
  const { finishedAt, rows, tables, bytes, sourceBytes, seconds, runId, outcome, from, underPolicy } = run;
  if (outcome === 'rolled back' || outcome === 'restored') {
    const what = from
      ? `: ${outcome === 'restored' ? 'from' : 'to'} ${from.replaceAll(/\p{Cc}/gu, '?')}`
      : '';
    return `${outcome} ${finishedAt}${what} (staging-refresh ${runId})`;
  }
  const policy = underPolicy ? ', under a policy' : '';
  return `refreshed ${finishedAt}: ${rows} rows, ${tables} tables, ${bytes} bytes copied of ${sourceBytes ?? 0}, ${seconds.toFixed(1)} s${policy} (staging-refresh ${runId})`;
}

/** Anybody who may comment on the database can write such a line: one with other figures than ours is none. */
function parseLine(text: string): PastRun | undefined {
  const run = readLine(text);
  return run && !Number.isNaN(Date.parse(run.finishedAt)) ? run : undefined;
}

function readLine(text: string): PastRun | undefined {
  const change = changeLine.exec(text);
  if (change) {
    const [, outcome, finishedAt = '', from, id = ''] = change;
    return changeOf({ id, finishedAt }, outcome === 'restored' ? 'restored' : 'rolled back', from);
  }
  const [, finishedAt = '', rows, tables, bytes, sourceBytes, seconds, policy, runId = ''] =
    refreshLine.exec(text) ?? [];
  if (runId === '') return undefined;
  return {
    runId,
    finishedAt,
    outcome: 'published',
    seconds: Number(seconds),
    tables: Number(tables),
    rows: Number(rows),
    bytes: Number(bytes),
    sourceBytes: Number(sourceBytes) || null,
    ...(policy ? { underPolicy: true } : {}),
  };
}

/** Runs that a database's comment remembers, oldest first. */
export function runsOfComment(comment: string | null): PastRun[] {
  return (comment ?? '').split('\n').flatMap((text) => parseLine(text) ?? []);
}

/** The comment with more runs, and without the oldest ones; what people wrote in it stays as it is, above. */
export function commentWith(comment: string | null, ...more: readonly PastRun[]): string {
  const own = (comment ?? '').split('\n').filter((text) => parseLine(text) === undefined);
  const runs = mergeRuns(runsOfComment(comment), more);
  const refreshes = runs.filter(({ outcome }) => outcome === 'published').slice(-remembered);
  const changes = runs.filter(({ outcome }) => outcome !== 'published').slice(-remembered);
  return [...(comment ? own : []), ...mergeRuns(refreshes, changes).map(formatLine)].join('\n');
}

const forkLine = (clusterId: string) => `made of a fork: cluster ${clusterId}`;

/** Whether a database's comment says that what was done to this cluster has come to its end. */
export function isFinishedFork(comment: string | null, clusterId: string): boolean {
  return comment?.split('\n').includes(forkLine(clusterId)) ?? false;
}

/** The comment that says so, and no more of the fork before. */
export function finishedFork(comment: string | null, clusterId: string): string {
  const others = (comment ?? '').split('\n').filter((line) => line !== '' && !line.startsWith(forkLine('')));
  return [forkLine(clusterId), ...others].join('\n');
}
