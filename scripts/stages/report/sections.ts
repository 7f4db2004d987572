import { count, counted, duration } from '../../model/figures.ts';
import type { LoadedTable, Report } from '../../model/report.ts';
import { display } from '../../model/table.ts';
import { hintFor } from '../../model/warning-hint.ts';
import { formatBytes } from '../../system/log.ts';
import { html, type Markup } from './markup.ts';

const shownTables = 20;
const mostTables = 2000;

export function warnings({ warnings: lines }: Report): Markup {
  if (lines.length === 0) return html`<h2 id="warnings">Warnings</h2><p class="quiet">There were none.</p>`;
  const items = lines.map((line) => {
    const hint = hintFor(line);
    return html`<li>${line}${hint ? html`<br><span class="quiet">${hint}</span>` : null}</li>
`;
  });
  return html`<h2 id="warnings">${counted(lines.length, 'warning')}</h2><ul class="warnings">${items}</ul>`;
}

export function largestTables({ tables }: Report): Markup {
  if (tables.length === 0) return html``;
  const sorted = tables.toSorted((a, b) => b.bytes - a.bytes);
  const [first, rest] = [sorted.slice(0, shownTables), sorted.slice(shownTables, mostTables)];
  return html`<h2 id="tables">Largest tables</h2>
${tableList(first, sorted[0]?.bytes ?? 0, 'The largest tables')}
${
  rest.length > 0
    ? html`<details><summary>${counted(rest.length, 'smaller table')}${sorted.length > mostTables && ` (${count(sorted.length - mostTables)} more are in the JSON report)`}</summary>
${tableList(rest, sorted[0]?.bytes ?? 0, 'Smaller tables')}</details>`
    : null
}`;
}

function tableList(tables: readonly LoadedTable[], most: number, label: string): Markup {
  const rows = tables.map(
    (table) => html`<tr><th scope="row" class="name">${display(table)}</th><td>${table.treatment}</td>
<td class="number">${count(table.rows)}</td>
<td class="number">${formatBytes(table.bytes)}<span class="bar" style="width:${most > 0 ? ((table.bytes / most) * 100).toFixed(1) : 0}%"></span></td>
<td class="number">${table.treatment === 'copy' ? duration(table.seconds) : ''}</td></tr>
`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table><thead><tr><th scope="col">table</th><th scope="col">treatment</th><th scope="col" class="number">rows</th><th scope="col" class="number">data</th><th scope="col" class="number">time</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

/** What the data policy did: masks, rows and objects left out, rows of staging's own. */
export function policy({ tables, leftOut }: Report): Markup {
  if (tables.length === 0) return html``;
  const touched = tables.filter(
    ({ treatment, masked, rowsLeftOut, preserved }) =>
      treatment !== 'copy' || masked?.length || rowsLeftOut || preserved !== undefined,
  );
  const rows = alike(touched).map(
    ({ name, partitions, done }) =>
      html`<tr><th scope="row" class="name">${name}${partitions > 0 && html`<br><span class="quiet">${counted(partitions, 'partition')}</span>`}</th><td>${done.map((deed) => html`${deed}<br>`)}</td></tr>
`,
  );
  const list = leftOut.map(
    ({ object, reason }) => html`<tr><th scope="row" class="name">${object}</th><td>${reason}</td></tr>
`,
  );
  return html`<h2 id="policy">What the policy did</h2>
${
  rows.length > 0
    ? html`<div class="scroll" tabindex="0" role="region" aria-label="Tables that the policy changed"><table><thead><tr><th scope="col">table</th><th scope="col">what was done</th></tr></thead><tbody>${rows}</tbody></table></div>`
    : html`<p class="quiet">Every table was copied as it is: no mask, no row left out, none of staging’s own kept.</p>`
}
${
  list.length > 0
    ? html`<h3>Left out</h3><div class="scroll" tabindex="0" role="region" aria-label="Objects left out"><table><thead><tr><th scope="col">object</th><th scope="col">why</th></tr></thead><tbody>${list}</tbody></table></div>`
    : null
}`;
}

/** Partitions of one table to which the same was done are one entry. */
function alike(tables: readonly LoadedTable[]) {
  const entries = new Map<string, { name: string; partitions: number; done: readonly string[] }>();
  for (const table of tables) {
    const done = deeds(table);
    const key = table.partitionOf ? JSON.stringify([table.partitionOf, done]) : display(table);
    const entry = entries.get(key) ?? { name: table.partitionOf ?? display(table), partitions: 0, done };
    entries.set(key, { ...entry, partitions: entry.partitions + (table.partitionOf ? 1 : 0) });
  }
  return [...entries.values()];
}

function deeds({ treatment, masked, rowsLeftOut, preserved }: LoadedTable): string[] {
  return [
    ...(treatment === 'schema-only' ? ['made without rows'] : []),
    ...(treatment === 'exclude' ? ['left out'] : []),
    ...(masked?.length
      ? [`masked: ${masked.map(({ column, mask }) => `${column} (${mask})`).join(', ')}`]
      : []),
    ...(rowsLeftOut ? [`${counted(rowsLeftOut, 'row')} left out`] : []),
    ...(preserved === undefined ? [] : [`${counted(preserved, 'row')} of staging’s own kept`]),
  ];
}

export function verification({ verification: found, published }: Report): Markup {
  if (!found)
    return html`<h2 id="verification">Verification</h2><p>The run ended before it was verified; nothing unverified is ever published.</p>`;
  return html`<h2 id="verification">Verification</h2>
<p>${published ? 'Before it was published, the' : 'The'} new database was compared with production under the same snapshot.</p>
<dl class="figures">
<div><dt>method</dt><dd>${found.method}</dd></div>
<div><dt>tables</dt><dd>${count(found.tables)}</dd></div>
<div><dt>rows, equal on both sides</dt><dd>${count(found.rows)}</dd></div>
<div><dt>sequences</dt><dd>${count(found.sequences)}</dd></div>
<div><dt>constraints</dt><dd>${count(found.constraints)}</dd></div>
<div><dt>definitions</dt><dd>${count(found.schemaEntries)}</dd></div>
</dl>`;
}
