import { stateAfter } from '../model/errors.ts';
import { count } from '../model/figures.ts';
import type { LoadedTable, Report } from '../model/report.ts';
import { formatBytes } from '../system/log.ts';

export interface JobSummaryArgs {
  /** Undefined: the engine came to no report. */
  readonly report: Report | undefined;
  /** What GitHub says of the refresh's step: success, failure, cancelled, skipped. */
  readonly outcome: string;
  /** The report's error as others may read it. */
  readonly error: { readonly message?: string; readonly hint?: string } | undefined;
  /** Next scheduled run; undefined where no schedule is known. */
  readonly nextRun: Date | undefined;
  /** Name of the artifact on GitHub; empty: it came to none. */
  readonly artifactName: string | undefined;
  readonly now: Date;
}

/** Of the largest tables, so many are listed: a job summary holds 1 MiB at most. */
const mostTables = 60;

/**
 * The lines of the documented workflow's last step, first the title. Like everything that leaves the machine they hold
 * no value of any row: of an error that PostgreSQL may have worded, the log says more.
 */
export function endingLines({ report, outcome, error, nextRun, now }: JobSummaryArgs): readonly string[] {
  const at = describeTime(report?.finishedAt ?? now.toISOString());
  const next = nextRun ? [`🔄 Next scheduled backup: ${describeTime(nextRun.toISOString())}`] : [];
  const backup = report?.managedBackup;
  const latest = backup
    ? [
        `📊 Latest DO backup: ${describeTime(backup.createdAt)} (Size: ${formatBytes(backup.sizeGigabytes * 1e9)})`,
      ]
    : [];
  if (report?.published) {
    return [
      '🎉 Production database successfully backed up and restored to staging!',
      `📅 Backup date: ${at}`,
      ...next,
      ...latest,
      ...sizes(report),
      ...(report.error ? [`⚠️ But afterwards: ${report.error.code}`] : []),
    ];
  }
  const why =
    report?.error?.code ?? (outcome === 'cancelled' ? 'cancelled' : 'the refresh came to no report');
  return [
    '❌ Database backup/restore failed!',
    `📅 Failed at: ${at}`,
    `⚠️ Please check logs: ${why}. Staging ${stateAfter(report?.error?.code, report?.strategy)}`,
    ...(error?.message ? [`🔎 ${error.message}`] : []),
    ...(error?.hint ? [`💡 ${error.hint}`] : []),
    ...next,
    ...latest,
  ];
}

/** The same for the job's page, in Markdown: with a table of the tables and a timeline. */
export function jobSummary(args: JobSummaryArgs): string {
  const [title = '', ...lines] = endingLines(args);
  const { report, artifactName } = args;
  const parts = [`## ${title}`, '', ...lines.map((line) => `- ${inMarkdown(line)}`)];
  if (report?.artifact && artifactName !== undefined) {
    parts.push(
      artifactName
        ? `- 📦 Artifact \`${artifactName}\`: SHA-256 \`${report.artifact.sha256}\``
        : '- ⚠️ The backup is not kept: GitHub did not take it',
    );
  }
  if (report?.published?.previous) {
    parts.push(`- ↩️ \`refresh rollback\` brings back ${asCode(report.published.previous)}`);
  }
  if (report) parts.push(...warnings(report), ...timeline(report), ...tables(report));
  return `${parts.join('\n')}\n`;
}

function sizes({ artifact, tables, seconds, published }: Report): string[] {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  const lockedOut = Math.ceil((published?.lockedOutSeconds ?? 0) * 1000);
  return [
    `🧮 Tables in staging: ${tables.length}, with ${count(rows)} rows (${formatBytes(bytes)})`,
    `⏱️ Took ${seconds.toFixed(1)} s; staging could not be connected to for ${lockedOut} ms`,
    artifact
      ? `✅ Backup created: ${artifact.path.replace(/^.*\//, '')} (Size: ${formatBytes(artifact.bytes)}${artifact.encrypted ? ', encrypted' : ''})`
      : '➖ No backup file was made',
  ];
}

/** Rows of no table stand in a warning; names may, so they are escaped. */
function warnings(report: Report): string[] {
  if (report.warnings.length === 0) return [];
  return ['', '### Warnings', '', ...report.warnings.map((warning) => `- ${inMarkdown(warning)}`)];
}

function timeline({ phases }: Report): string[] {
  if (phases.length === 0) return [];
  let at = 0;
  const lines = phases.map(({ name, seconds }) => {
    const line = `  ${name.replaceAll(/[:;#,]/g, ' ')} (${seconds.toFixed(1)} s) :${Math.round(at * 1000)}, ${Math.round((at + seconds) * 1000)}`;
    at += seconds;
    return line;
  });
  return [
    '',
    '### Timeline',
    '',
    '```mermaid',
    'gantt',
    '  dateFormat x',
    '  axisFormat %M:%S',
    ...lines,
    '```',
  ];
}

function tables(report: Report): string[] {
  if (report.tables.length === 0) return [];
  const largest = report.tables.toSorted((a, b) => b.bytes - a.bytes);
  const more = largest.length - mostTables;
  return [
    '',
    '### Tables',
    '',
    '| table | treatment | rows | bytes | seconds | masked |',
    '|---|---|--:|--:|--:|---|',
    ...largest.slice(0, mostTables).map(row),
    ...(more > 0 ? ['', `and ${more} smaller ones: the report has them all`] : []),
  ];
}

function row({ schema, name, treatment, rows, bytes, seconds, masked = [] }: LoadedTable): string {
  const columns = masked.map(({ column }) => inMarkdown(column)).join(', ');
  return `| ${inMarkdown(`${schema}.${name}`)} | ${treatment} | ${count(rows)} | ${formatBytes(bytes)} | ${seconds.toFixed(1)} | ${columns} |`;
}

/** A name that is none of Markdown's marks by itself. */
function asCode(name: string): string {
  return name.includes('`') ? inMarkdown(name) : `\`${name.replaceAll(/\s+/g, ' ')}\``;
}

/** Names come from a database: they must end no cell and begin no HTML. */
function inMarkdown(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\`*_[\]|<>#~]/g, (mark) => `\\${mark}`);
}

/** `2026-11-22 02:00:00 UTC` */
function describeTime(time: string): string {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? time : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
