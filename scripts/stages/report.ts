import { summaryLimitBytes } from '../contract.ts';
import type { RefreshError } from '../model/errors.ts';
import type { LeftOut } from '../model/plan.ts';
import {
  type LoadedTable,
  type Published,
  type Report,
  reportVersion,
  type Summary,
  type Verification,
} from '../model/report.ts';
import type { Run } from '../model/run.ts';
import type { ServerAddress } from '../model/server-address.ts';
import type { Servers } from '../model/servers.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';

/** What a run knows at its end; what it did not come to is absent. */
export interface Outcome {
  readonly servers?: Servers;
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
  readonly tables?: readonly LoadedTable[];
  readonly leftOut?: readonly LeftOut[];
  readonly verification?: Verification;
  readonly published?: Published;
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
    strategy: 'swap',
    production: describeServer(run.config.production, servers?.production.version),
    staging: describeServer(run.config.staging, servers?.staging.version),
    phases: [...outcome.phases],
    tables: [...(outcome.tables ?? [])],
    leftOut: [...(outcome.leftOut ?? [])],
    verification: outcome.verification ?? null,
    published: outcome.published ?? null,
    warnings: [...run.log.warnings],
    ...(error
      ? {
          error: {
            code: error.code,
            message: error.message,
            ...(error.object ? { object: error.object } : {}),
            ...(error.hint ? { hint: error.hint } : {}),
          },
        }
      : {}),
  };
}

/** Writes the report whole or not at all. */
export async function writeReport(run: Run, report: Report): Promise<void> {
  await writeFileAtomically(run.config.reportFile, `${JSON.stringify(report, null, 2)}\n`, 0o644);
}

/** The report cut down to what fits in one environment variable, whatever the number of tables or warnings. */
export function summarise(report: Report, reportFile: string): Summary {
  const { phases: _, leftOut: __, verification: ___, tables, ...rest } = report;
  const summary = (warnings: string[]): Summary => ({
    ...rest,
    warnings,
    ...(rest.error ? { error: { ...rest.error, message: rest.error.message.slice(0, 2000) } } : {}),
    tables: tables.length,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    bytes: tables.reduce((sum, table) => sum + table.bytes, 0),
    reportFile,
  });
  const warnings = report.warnings.map((warning) => warning.slice(0, 500));
  while (warnings.length > 0 && JSON.stringify(summary(warnings)).length * 2 > summaryLimitBytes) {
    warnings.splice(-2, 2, `and more: see ${reportFile}`);
    if (warnings.length === 1) break;
  }
  return summary(warnings);
}

function describeServer(address: ServerAddress, version: string | undefined) {
  return {
    host: address.host,
    port: address.port,
    database: address.database,
    serverVersion: version ?? 'unknown',
  };
}
