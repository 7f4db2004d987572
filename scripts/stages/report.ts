import { stat } from 'node:fs/promises';
import { keepReport, readKeptReports } from '../artifact/kept-reports.ts';
import type { RefreshError } from '../model/errors.ts';
import { mergeRuns, type PastRun } from '../model/history.ts';
import type { LeftOut } from '../model/plan.ts';
import {
  type LoadedTable,
  type ManagedBackup,
  type Published,
  type Report,
  type RestoredFile,
  reportVersion,
  type Summary,
  type Verification,
  type Work,
  type WrittenArtifact,
} from '../model/report.ts';
import type { Run } from '../model/run.ts';
import type { ServerAddress } from '../model/server-address.ts';
import type { DatabaseFacts } from '../model/servers.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import { renderPage } from './report/page.ts';

/** What is told of the two servers; of a file that is restored, the server that it was made of. */
export interface ServerVersions {
  readonly production: Pick<DatabaseFacts, 'version'>;
  readonly staging: Pick<DatabaseFacts, 'version'>;
}

/** What a run knows at its end; what it did not come to is absent. */
export interface Outcome {
  readonly servers?: ServerVersions;
  readonly restored?: RestoredFile;
  readonly phases: Report['phases'];
  readonly work?: Work;
  readonly tables?: readonly LoadedTable[];
  readonly leftOut?: readonly LeftOut[];
  readonly verification?: Verification;
  readonly published?: Published;
  readonly artifact?: WrittenArtifact;
  readonly stagingBackup?: WrittenArtifact;
  readonly managedBackup?: ManagedBackup;
  readonly error?: RefreshError;
  readonly exitCode: number;
}

export function makeReport(run: Run, outcome: Outcome, now = new Date()): Report {
  const { error, servers } = outcome;
  return {
    version: reportVersion,
    runId: run.id,
    outcome: outcome.published ? 'published' : 'failed',
    exitCode: outcome.exitCode,
    startedAt: run.startedAt.toISOString(),
    finishedAt: now.toISOString(),
    seconds: (now.getTime() - run.startedAt.getTime()) / 1000,
    strategy: run.config.strategy,
    production: describeServer(run.config.production, servers?.production.version),
    staging: describeServer(run.config.staging, servers?.staging.version),
    phases: [...outcome.phases],
    ...(outcome.work ? { work: outcome.work } : {}),
    tables: [...(outcome.tables ?? [])],
    leftOut: [...(outcome.leftOut ?? [])],
    verification: outcome.verification ?? null,
    published: outcome.published ?? null,
    artifact: outcome.artifact ?? null,
    ...(outcome.restored ? { restored: outcome.restored } : {}),
    stagingBackup: outcome.stagingBackup ?? null,
    managedBackup: outcome.managedBackup ?? null,
    warnings: [...run.log.warnings],
    ...(error
      ? {
          error: {
            code: error.code,
            message: error.message,
            ...(error.object ? { object: error.object } : {}),
            hint: error.hint,
          },
        }
      : {}),
  };
}

/**
 * Writes the report, each file of it whole or not at all: JSON for programs, beside it the page for people, and a copy
 * beside the artifacts, which `refresh history` reads.
 *
 * @param remembered runs that staging itself remembers.
 * @returns the page, where there is one.
 */
export async function writeReport(
  run: Run,
  report: Report,
  remembered: readonly PastRun[],
): Promise<string | undefined> {
  const { reportFile, artifact } = run.config;
  await writeFileAtomically(reportFile, `${JSON.stringify(report, null, 2)}\n`, 0o644);
  const kept = artifact ? await readKeptReports(artifact.folder) : [];
  const page = await pageFile(reportFile);
  if (page) await writeFileAtomically(page, renderPage(report, mergeRuns(kept, remembered)), 0o644);
  // What was restored from a file says nothing of production's growth.
  if (artifact && !report.restored) await keepReport(artifact.folder, report);
  return page;
}

/** `refresh-report.html` for `refresh-report.json`; none beside what is no regular file, a pipe for example. */
async function pageFile(reportFile: string): Promise<string | undefined> {
  return (await stat(reportFile)).isFile() ? `${reportFile.replace(/\.json$/, '')}.html` : undefined;
}

/** Of a summary: bytes of one text as JSON, and how many warnings it takes over. */
const longestMessage = 2000;
const longestWarning = 300;
const mostWarnings = 100;

/**
 * The report cut down to what fits in one environment variable, whatever the number of tables or warnings: under
 * `summaryLimitBytes` of JSON.
 */
export function summarise(report: Report, reportFile: string): Summary {
  const { phases: _, work: _w, leftOut: __, verification: ___, tables, error, ...rest } = report;
  const warnings = report.warnings.slice(0, mostWarnings).map((warning) => cut(warning, longestWarning));
  const more = report.warnings.length - warnings.length;
  return {
    ...rest,
    warnings: more > 0 ? [...warnings, `and ${more} more: see ${reportFile}`] : warnings,
    ...(error ? { error: cutError(error) } : {}),
    tables: tables.length,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    bytes: tables.reduce((sum, table) => sum + table.bytes, 0),
    ...policyOf(tables),
    reportFile,
  };
}

function cutError(error: NonNullable<Report['error']>): NonNullable<Report['error']> {
  return {
    code: error.code,
    message: cut(error.message, longestMessage),
    ...(error.object === undefined ? {} : { object: cut(error.object, longestMessage) }),
    ...(error.hint === undefined ? {} : { hint: cut(error.hint, longestMessage) }),
  };
}

/** At most so many bytes of JSON; a cut text ends in an ellipsis. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(JSON.stringify(text)) <= bytes) return text;
  // Six bytes are the most that JSON makes of one UTF-16 unit.
  let length = Math.min(text.length, bytes);
  while (Buffer.byteLength(JSON.stringify(text.slice(0, length))) > bytes - 3)
    length = Math.floor(length * 0.9);
  return `${text
    .slice(0, length)
    .toWellFormed()
    .replace(/\ufffd$/, '')}…`;
}

function describeServer(address: ServerAddress, version: string | undefined) {
  return {
    host: address.host,
    port: address.port,
    database: address.database,
    serverVersion: version ?? 'unknown',
  };
}

/** What the data policy did, where it did anything. */
function policyOf(tables: readonly LoadedTable[]): Pick<Summary, 'policy'> {
  const total = (count: (table: LoadedTable) => number) =>
    tables.reduce((sum, table) => sum + count(table), 0);
  const policy = {
    maskedColumns: total((table) => table.masked?.length ?? 0),
    withoutRows: total(({ treatment }) => (treatment === 'schema-only' ? 1 : 0)),
    rowsLeftOut: total((table) => table.rowsLeftOut ?? 0),
    rowsPreserved: total((table) => table.preserved ?? 0),
  };
  return Object.values(policy).some((count) => count > 0) ? { policy } : {};
}
