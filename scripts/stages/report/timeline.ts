import { duration } from '../../model/figures.ts';
import type { Report, Work } from '../../model/report.ts';
import { html, type Markup } from './markup.ts';

/** A piece of a worker's time: one task, or several that are too short to be seen alone. */
interface Block {
  readonly kind: Kind;
  readonly label: string;
  readonly begun: number;
  readonly seconds: number;
}

type Kind = 'copy' | 'index' | 'key' | 'analyze' | 'other' | 'failed';

const kinds: readonly { readonly kind: Kind; readonly title: string }[] = [
  { kind: 'copy', title: 'rows copied' },
  { kind: 'index', title: 'index built' },
  { kind: 'key', title: 'constraint or foreign key' },
  { kind: 'analyze', title: 'statistics' },
  { kind: 'other', title: 'other' },
  { kind: 'failed', title: 'ended in the middle' },
];

/** Shorter than this share of the whole time, a task is drawn together with its neighbours. */
const smallestShare = 0.002;
const longestListed = 25;

/** What each worker did when, where it had nothing to do, and how long each phase took. */
export function timeline(report: Report): Markup {
  const { work } = report;
  return html`<h2 id="timeline">Where the time went</h2>
${phaseLane(report)}
${work && work.tasks.length > 0 ? workers(work) : html`<p class="quiet">The copy did not begin, so there is no timeline of its workers.</p>`}`;
}

function phaseLane({ phases, seconds }: Report): Markup {
  if (phases.length === 0) return html``;
  const rows = phases.map(
    (phase) => html`<tr><th scope="row">${phase.name}</th><td class="number">${duration(phase.seconds)}</td>
<td class="when"><span class="bar" style="width:${share(phase.seconds, seconds)}%;margin-left:${share(phase.begun ?? 0, seconds)}%"></span></td></tr>
`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Phases"><table><thead><tr><th scope="col">phase</th><th scope="col" class="number">time</th><th scope="col">when</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

function workers(work: Work): Markup {
  const begin = Math.min(...work.tasks.map(({ begun }) => begun));
  const end = Math.max(...work.tasks.map(({ begun, seconds }) => begun + seconds));
  const whole = Math.max(end - begin, 0.001);
  const lanes = Array.from({ length: work.workers }, (_, worker) => {
    const tasks = work.tasks.filter((task) => task.worker === worker);
    const busy = tasks.reduce((sum, task) => sum + task.seconds, 0);
    const blocks = merge(tasks, whole).map(
      ({ kind, label, begun, seconds }) =>
        html`<i class="${kind}" style="left:${share(begun - begin, whole)}%;width:${share(seconds, whole)}%" title="${label}, ${duration(seconds)}"></i>`,
    );
    return html`<div class="lane"><span>worker ${worker + 1}<br>${Math.round((busy / whole) * 100)} % busy</span>
<div class="track" role="img" aria-label="Worker ${worker + 1}: busy for ${duration(busy)} of ${duration(whole)}">${blocks}</div></div>
`;
  });
  const used = kinds.filter(({ kind }) => work.tasks.some((task) => kindOf(task) === kind));
  return html`<h3 id="workers">Workers</h3>
<p class="quiet">${work.workers} pairs of connections copied rows and built indexes for ${duration(whole)}. ${endedEarly(work)}${idleWords(work, begin, end)}</p>
${lanes}
${axis(whole)}
<ul class="legend">${used.map(({ kind, title }) => html`<li><i class="${kind}"></i>${title}</li>`)}</ul>
${longest(work)}`;
}

/** A copy that failed: at what. */
function endedEarly({ tasks }: Work): string {
  const names = tasks.flatMap(({ name, failed }) => (failed ? [name] : []));
  return names.length > 0 ? `They ended early, in the middle of ${names.join(' and ')}. ` : '';
}

/** Where time was lost: the worker that waited longest, and for what. */
function idleWords(work: Work, begin: number, end: number): string {
  const last = Array.from({ length: work.workers }, (_, worker) =>
    Math.max(
      begin,
      ...work.tasks.filter((task) => task.worker === worker).map(({ begun, seconds }) => begun + seconds),
    ),
  );
  const idle = last.reduce((sum, ended) => sum + end - ended, 0);
  const final = work.tasks.find(({ begun, seconds }) => begun + seconds === end);
  const busy = work.tasks.reduce((sum, { seconds }) => sum + seconds, 0);
  const between = Math.max(0, (end - begin) * work.workers - busy - idle);
  const words = [
    ...(idle >= 0.05 && final
      ? [`At the end ${duration(idle)} were spent waiting for the last task, ${final.name}.`]
      : []),
    ...(between >= 0.05 ? [`Between tasks workers waited ${duration(between)} in all.`] : []),
  ];
  return words.length > 0 ? words.join(' ') : 'No worker had to wait.';
}

function axis(whole: number): Markup {
  const marks = [0, 0.25, 0.5, 0.75, 1].map(
    (part) => html`<b style="left:${part * 100}%">${duration(whole * part)}</b>`,
  );
  return html`<div class="lane" aria-hidden="true"><span></span><div class="track axis">${marks}</div></div>`;
}

function longest({ tasks }: Work): Markup {
  const listed = tasks.toSorted((a, b) => b.seconds - a.seconds).slice(0, longestListed);
  const rows = listed.map(
    ({ name, worker, begun, seconds }) =>
      html`<tr><th scope="row" class="name">${name}</th><td class="number">${worker + 1}</td><td class="number">${duration(begun)}</td><td class="number">${duration(seconds)}</td></tr>
`,
  );
  return html`<details><summary>The ${listed.length} longest of ${tasks.length} tasks</summary>
<div class="scroll" tabindex="0" role="region" aria-label="The longest tasks"><table><thead><tr><th scope="col">task</th><th scope="col" class="number">worker</th><th scope="col" class="number">begun after</th><th scope="col" class="number">time</th></tr></thead>
<tbody>${rows}</tbody></table></div></details>`;
}

/** Neighbours that could not be seen become one block; ten thousand tables make a page that a phone can open. */
function merge(tasks: Work['tasks'], whole: number): Block[] {
  const blocks: (Block & { readonly tasks: number; readonly small: boolean })[] = [];
  for (const task of tasks) {
    const { name, begun, seconds } = task;
    const kind = kindOf(task);
    const small = seconds < whole * smallestShare && kind !== 'failed';
    const before = blocks.at(-1);
    const near = before && begun - (before.begun + before.seconds) < whole * smallestShare;
    if (small && before?.small && near && before.kind === kind) {
      const number = before.tasks + 1;
      const label = `${number} short tasks up to ${name}`;
      const merged = { ...before, label, seconds: begun + seconds - before.begun, tasks: number };
      blocks.splice(-1, 1, merged);
    } else
      blocks.push({
        kind,
        label: kind === 'failed' ? `${name}: ended in the middle` : name,
        begun,
        seconds,
        tasks: 1,
        small,
      });
  }
  return blocks;
}

/** Tasks say in their names what they do: stages/load/graph.ts. */
function kindOf({ name, failed }: Work['tasks'][number]): Kind {
  if (failed) return 'failed';
  if (/^(copy|load|large objects) /.test(name)) return 'copy';
  if (name.startsWith('index ')) return 'index';
  if (/^(constraints of|add foreign key|validate foreign key) /.test(name)) return 'key';
  return name.startsWith('analyze ') ? 'analyze' : 'other';
}

function share(part: number, whole: number): string {
  return whole > 0 ? Math.max(0, Math.min(100, (part / whole) * 100)).toFixed(2) : '0';
}
