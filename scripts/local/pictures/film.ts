import type { Picture } from './recording.ts';
import type { Span } from './screen.ts';

const [charWidth, lineHeight, margin, bar] = [7.25, 16, 14, 30];
/** Seconds that the last picture stays before the film begins again. */
const pause = 6;
const colours: Readonly<Record<number, string>> = {
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  36: '#79c0ff',
};

/** A recording as an SVG that plays by itself, without script: each line that differs is drawn once. */
export function film(pictures: readonly Picture[], columns: number, title: string): string {
  const last = pictures.at(-1);
  if (!last) throw new Error('nothing was recorded');
  const whole = last.at + pause;
  const rows = Math.max(...pictures.map(({ lines }) => lines.length));
  const width = Math.ceil(columns * charWidth + 2 * margin);
  const height = bar + rows * lineHeight + margin;
  const lines = Array.from({ length: rows }, (_, row) => rowOf(pictures, row, whole)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>text{font:12px ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#e6edf3;white-space:pre}.b{font-weight:700}</style>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<circle cx="18" cy="16" r="5" fill="#ff5f57"/><circle cx="36" cy="16" r="5" fill="#febc2e"/><circle cx="54" cy="16" r="5" fill="#28c840"/>
${lines}
</svg>
`;
}

/** One row: each content that it had, visible while it had it. */
function rowOf(pictures: readonly Picture[], row: number, whole: number): string {
  const y = bar + (row + 1) * lineHeight - 4;
  const stays: { text: string; from: number; to: number }[] = [];
  for (const [index, { at, lines }] of pictures.entries()) {
    const text = (lines[row] ?? []).map(span).join('');
    const to = pictures[index + 1]?.at ?? whole;
    const before = stays.at(-1);
    if (before?.text === text) before.to = to;
    else stays.push({ text, from: at, to });
  }
  return stays
    .filter(({ text }) => text !== '')
    .map(({ text, from, to }) => {
      const line = `<text x="${margin}" y="${y}" xml:space="preserve"`;
      if (from === 0 && to === whole) return `${line}>${text}</text>`;
      const times = [...new Set([0, from / whole, Math.min(1, to / whole)])].map((time) => time.toFixed(4));
      const values =
        from === 0 ? 'visible;hidden' : to === whole ? 'hidden;visible;visible' : 'hidden;visible;hidden';
      // Who doesn't play films sees the end of it.
      const still = to === whole ? 'visible' : 'hidden';
      return `${line} visibility="${still}">${text}<animate attributeName="visibility" calcMode="discrete" dur="${whole.toFixed(2)}s" repeatCount="indefinite" keyTimes="${times.join(';')}" values="${values}"/></text>`;
    })
    .join('\n');
}

function span({ text, bold, colour }: Span): string {
  const fill = colour === null ? undefined : colours[colour];
  if (!bold && !fill) return escaped(text);
  return `<tspan${bold ? ' class="b"' : ''}${fill ? ` fill="${fill}"` : ''}>${escaped(text)}</tspan>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
