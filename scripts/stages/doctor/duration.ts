import { readFile } from 'node:fs/promises';
import { duration } from '../../model/figures.ts';
import { guessSeconds } from '../../model/plan-outlook.ts';
import { type Report, reportSchema } from '../../model/report.ts';
import { formatBytes } from '../../system/log.ts';
import { type Check, ok, skipped, type Verdict, warning } from './finding.ts';
import type { Patient } from './patient.ts';

export interface DurationOptions {
  readonly reportFile: string;
  /** The workflow's time limit. */
  readonly timeoutMinutes: number;
}

/** A refresh that fits barely today will not in a month. */
const comfortableShare = 0.7;

/** How long the next refresh takes, from the last one's report. */
export function durationCheck(patient: Patient, options: DurationOptions): Check {
  return {
    id: 'duration',
    title: 'Taking too long',
    problem: 7,
    examine: async () =>
      judgeDuration(patient.servers.production.facts?.bytes, await lastReport(options.reportFile), options),
  };
}

/** Pure: `bytes` is production's size now; undefined where it is not known. */
function judgeDuration(
  bytes: number | undefined,
  last: Report | undefined,
  { reportFile, timeoutMinutes }: DurationOptions,
): Verdict {
  if (bytes === undefined) return skipped('production’s size is not known: it was not reached');
  const copied = last?.tables.reduce((sum, table) => sum + table.bytes, 0) ?? 0;
  const known = last?.outcome === 'published' && copied > 0 ? last : undefined;
  const now = formatBytes(bytes);
  // COPY data is not heap size, but both grow alike; a report doesn't hold the database's size of its day.
  const seconds = known ? known.seconds * Math.max(1, bytes / (copied * 3)) : guessSeconds(bytes);
  const basis = known
    ? `the last refresh took ${duration(known.seconds)} for ${formatBytes(copied)} of rows`
    : `no report of a published refresh in ${reportFile}; a guess from its size`;
  const found = `production has ${now}: about ${duration(seconds)} of ${timeoutMinutes} min (${basis})`;
  if (seconds <= timeoutMinutes * 60 * comfortableShare) return ok(found);
  return warning(
    found,
    'raise timeoutMinutes in the stack’s settings, give refresh run more cores or the clusters a larger plan, or leave tables out by the policy (refresh.policy.yaml: treatment: schema-only)',
  );
}

async function lastReport(file: string): Promise<Report | undefined> {
  try {
    return reportSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
