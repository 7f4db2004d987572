import { stateAfter } from '../../model/errors.ts';
import { change, count, counted, duration, moment } from '../../model/figures.ts';
import { lastPublished, type PastRun, pastRunOf } from '../../model/history.ts';
import type { Report } from '../../model/report.ts';
import { formatBytes } from '../../system/log.ts';
import { html, Markup } from './markup.ts';
import { largestTables, policy, verification, warnings } from './sections.ts';
import { style } from './style.ts';
import { timeline } from './timeline.ts';
import { trend } from './trend.ts';

/**
 * `refresh-report.html`: the report as one page for people. It holds no script and asks no network for anything; every
 * name that comes from a database is escaped.
 */
export function renderPage(report: Report, earlier: readonly PastRun[]): string {
  return `<!doctype html>
${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>${titleOf(report)}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<main id="main">
${outcome(report)}
${figures(report, earlier)}
${report.warnings.length > 0 ? warnings(report) : null}
${timeline(report)}
${largestTables(report)}
${policy(report)}
${verification(report)}
${trend(report, earlier)}
${report.warnings.length === 0 ? warnings(report) : null}
${facts(report)}
</main>
</body>
</html>`}
`;
}

function titleOf({ published, staging, finishedAt }: Report): string {
  return `${published ? 'Refreshed' : 'Not refreshed'}: ${staging.database}, ${moment(finishedAt)}`;
}

function outcome(report: Report): Markup {
  const { error, published, staging, strategy, finishedAt, seconds, runId } = report;
  const when = html`<p class="quiet">Run <code>${runId}</code> ended ${moment(finishedAt)} after ${duration(seconds)}, exit code ${report.exitCode}.</p>`;
  if (published && !error) {
    return html`<header class="outcome good"><h1>✓ Staging is refreshed</h1>
<p><code>${staging.database}</code> holds production’s data, verified before it was published. ${rollbackWords(report)}</p>
${when}</header>`;
  }
  const lines = error
    ? html`<p><strong><code>${error.code}</code></strong>: ${error.message}${error.object ? html` (<span class="name">${error.object}</span>)` : null}</p>
${error.hint ? html`<p><strong>What to do:</strong> ${error.hint}</p>` : null}
<p class="quiet">docs/runbook.md has a section on <code>${error.code}</code>.</p>`
    : null;
  if (published) {
    return html`<header class="outcome half"><h1>! Staging is refreshed, but something after that failed</h1>
${lines}${when}</header>`;
  }
  return html`<header class="outcome bad"><h1>✗ Not refreshed: staging ${stateAfter(error?.code, strategy)}</h1>
${lines}${when}</header>`;
}

function rollbackWords({ published }: Report): Markup | null {
  if (!published?.previous) return null;
  return html`What it replaced is kept as <code>${published.previous}</code>: <code>refresh rollback</code> brings it back.`;
}

function figures(report: Report, earlier: readonly PastRun[]): Markup {
  const now = pastRunOf(report);
  const before = lastPublished(earlier.filter(({ runId }) => runId !== now.runId));
  const against = (value: (run: PastRun) => number) => {
    const text = before && report.published ? change(value(now), value(before)) : '';
    return text && html`<small>${text} against the run before</small>`;
  };
  const masked = report.tables.reduce((sum, table) => sum + (table.masked?.length ?? 0), 0);
  const copied = html`<div><dt>tables</dt><dd>${count(now.tables)}${against(({ tables }) => tables)}</dd></div>
<div><dt>rows</dt><dd>${count(now.rows)}${against(({ rows }) => rows)}</dd></div>
<div><dt>data copied</dt><dd>${formatBytes(now.bytes)}${against(({ bytes }) => bytes)}</dd></div>
<div><dt>masked columns</dt><dd>${count(masked)}</dd></div>`;
  return html`<dl class="figures">
<div><dt>time</dt><dd>${duration(report.seconds)}${against(({ seconds }) => seconds)}</dd></div>
${now.tables > 0 ? copied : null}
<div><dt>warnings</dt><dd>${count(report.warnings.length)}</dd></div>
${report.published ? html`<div><dt>nobody could connect for</dt><dd>${Math.round(report.published.lockedOutSeconds * 1000)} ms</dd></div>` : null}
</dl>`;
}

function facts({ production, staging, strategy, artifact, managedBackup, startedAt }: Report): Markup {
  const server = ({ host, port, database, serverVersion }: Report['production']) =>
    html`<code>${database}</code> on <code>${host}:${port}</code>, PostgreSQL ${serverVersion}`;
  return html`<h2 id="facts">The run</h2>
<dl class="facts">
<dt>production</dt><dd>${server(production)}</dd>
<dt>staging</dt><dd>${server(staging)}</dd>
<dt>begun</dt><dd>${moment(startedAt)}</dd>
<dt>strategy</dt><dd>${strategy}</dd>
${
  artifact
    ? html`<dt>backup file</dt><dd><code>${artifact.path}</code>, ${formatBytes(artifact.bytes)}${artifact.encrypted ? ', encrypted' : ''}<br><span class="quiet">sha256 <code>${artifact.sha256}</code></span></dd>`
    : null
}
${
  managedBackup
    ? html`<dt>DigitalOcean’s backup</dt><dd>of ${moment(managedBackup.createdAt)}, ${formatBytes(managedBackup.sizeGigabytes * 1e9)}, one of ${counted(managedBackup.count, 'backup')}</dd>`
    : null
}
</dl>`;
}
