import { relative } from 'node:path';
import { type Applied, describeApplier } from './applier.ts';
import { isObject, type Properties, type Property } from './in-process/property.ts';
import type { LocalStack } from './local-stack.ts';
import type { StagingAccess } from './staging-access.ts';

/** What a person wants to know at the end, line by line. No secret. */
export function summarise(stack: LocalStack, applied: Applied, staging: StagingAccess | undefined): string[] {
  const { outputs } = applied;
  const report = isObject(outputs.report) ? outputs.report : {};
  const environment = relative(process.cwd(), stack.folder.environment) || stack.folder.environment;
  const tools = ['psql "$STAGING_DB_URL"', ...(applied.applier === 'pulumi' ? ['pulumi preview'] : [])];
  return [
    '',
    'Provisioned',
    `  production   localhost:${stack.production.port}/shop (PostgreSQL ${stack.tools.version}), read by the role reader`,
    `  staging      ${staging ? addressOf(staging) : '(not known)'}, made through the DigitalOcean API`,
    `  on GitHub    ${text(outputs.workflowUrl)}, next run ${text(outputs.nextRun)}`,
    `  applied      ${describeApplier(applied.applier)}`,
    '',
    'Refreshed',
    `  ${refreshLine(report)}`,
    ...policyLine(report),
    ...warningsOf(report).map((warning) => `  warning: ${warning}`),
    `  report       ${text(report.reportFile).replace(/\.json$/, '.html')}, for programs ${text(report.reportFile)}`,
    '',
    'Next',
    `  . ${environment.startsWith('/') ? environment : `./${environment}`}${' '.repeat(8)}then: ${tools.join('   ')}`,
    '  npm run refresh      refresh again',
    '  npm run destroy      take it all down',
  ];
}

/** The last report's file, absolute; undefined when the outputs name none. */
export function reportFile(outputs: Properties): string | undefined {
  const report = outputs.report;
  return isObject(report) && typeof report.reportFile === 'string' ? report.reportFile : undefined;
}

function refreshLine(report: Properties): string {
  const { outcome, tables, rows, bytes, seconds } = report;
  if (outcome === undefined) return 'no report';
  const megabytes = typeof bytes === 'number' ? `, ${(bytes / 1e6).toFixed(1)} MB` : '';
  return `${text(outcome)}: ${count(tables)} tables, ${count(rows)} rows${megabytes} in ${typeof seconds === 'number' ? seconds.toFixed(1) : '?'} seconds`;
}

/** What the data policy did, where there is one. */
function policyLine({ policy }: Properties): string[] {
  if (!isObject(policy)) return [];
  const { maskedColumns, withoutRows, rowsLeftOut, rowsPreserved } = policy;
  return [
    `  policy       ${count(maskedColumns)} columns masked, ${count(withoutRows)} tables without rows, ${count(rowsLeftOut)} rows left out, ${count(rowsPreserved)} of staging’s own kept`,
  ];
}

/** Never with the login that the URL holds. */
function addressOf({ url }: StagingAccess): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function warningsOf(report: Properties): Property[] {
  return Array.isArray(report.warnings) ? report.warnings : [];
}

function text(value: Property | undefined): string {
  return value === undefined || value === null ? '(not known)' : String(value);
}

function count(value: Property | undefined): string {
  return typeof value === 'number' ? value.toLocaleString('en-US') : '?';
}
