import { change, count, duration, moment } from '../../model/figures.ts';
import { lastPublished, type PastRun, pastRunOf, trendOf } from '../../model/history.ts';
import type { Report } from '../../model/report.ts';
import { formatBytes } from '../../system/log.ts';
import { html, type Markup } from './markup.ts';

const mostRuns = 12;

/** This run beside earlier ones: what grows is seen before it hurts. */
export function trend(report: Report, earlier: readonly PastRun[]): Markup {
  const now = pastRunOf(report);
  const runs = [...earlier.filter(({ runId }) => runId !== now.runId), now];
  if (runs.length === 1) {
    return html`<h2 id="earlier">Compared with earlier runs</h2>
<p class="quiet">No earlier run is known. The next report compares itself with this one.</p>`;
  }
  const shown = runs.slice(-mostRuns).reverse();
  const most = {
    rows: Math.max(...shown.map(({ rows }) => rows), 1),
    seconds: Math.max(...shown.map(({ seconds }) => seconds), 0.001),
  };
  const rows = shown.map(
    (
      run,
    ) => html`<tr><th scope="row">${moment(run.finishedAt)}${run.runId === now.runId && ' (this run)'}</th>
<td>${run.outcome}${run.error ? `: ${run.error}` : ''}</td>
<td class="number">${run.rows > 0 ? count(run.rows) : ''}<span class="bar" style="width:${percent(run.rows, most.rows)}%"></span></td>
<td class="number">${run.bytes > 0 ? formatBytes(run.bytes) : ''}</td>
<td class="number">${run.seconds > 0 ? duration(run.seconds) : ''}<span class="bar" style="width:${percent(run.seconds, most.seconds)}%"></span></td></tr>
`,
  );
  return html`<h2 id="earlier">Compared with earlier runs</h2>
<p>${words(now, earlier)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Earlier runs"><table><thead><tr><th scope="col">finished</th><th scope="col">outcome</th><th scope="col" class="number">rows</th><th scope="col" class="number">data</th><th scope="col" class="number">time</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

function words(now: PastRun, earlier: readonly PastRun[]): string {
  const others = earlier.filter(({ runId }) => runId !== now.runId);
  if (now.outcome !== 'published') {
    const last = others.findLast(({ outcome }) => outcome !== 'failed');
    return last
      ? `Staging still is what was ${last.outcome} on ${moment(last.finishedAt)}.`
      : 'No earlier run was published, as far as is known.';
  }
  const before = lastPublished(others);
  if (!before) return 'This is the first published run that is known.';
  const grown = trendOf([...earlier, now]);
  const drift = grown
    ? ` Over the last ${grown.runs} published runs the time changed by ${perRun(grown.seconds)} a run, the rows by ${perRun(grown.rows)}.`
    : '';
  return `Against the run before: rows ${change(now.rows, before.rows) || 'new'}, data ${change(now.bytes, before.bytes) || 'new'}, time ${change(now.seconds, before.seconds)}.${drift}`;
}

function perRun(growth: number): string {
  return `${growth >= 0 ? '+' : '−'}${Math.abs(growth * 100).toFixed(1)} %`;
}

function percent(part: number, whole: number): string {
  return ((part / whole) * 100).toFixed(1);
}
