import type { Comparison } from './measurement.ts';

const width = 820;
const labelWidth = 400;
const barWidth = 330;
const rowHeight = 44;
const barHeight = 20;
const top = 56;

/**
 * A bar for each contender's median, a line from its quickest to its slowest round. One SVG file with nothing beside
 * it; its colours suit a light and a dark page.
 */
export function chart(comparisons: readonly Comparison[], caption: string): string {
  const longest = Math.max(...comparisons.map((one) => one.slowest));
  const height = top + comparisons.length * rowHeight + 28;
  const rows = comparisons.map((one, index) => bar(one, top + index * rowHeight, barWidth / longest));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title caption">
<title id="title">Seconds from an empty staging database to production's data in it</title>
<style>
  text { font: 14px system-ui, sans-serif; fill: #24292f; }
  .small { font-size: 12px; fill: #57606a; }
  .peer { fill: #8c959f; } .ours { fill: #2a7f62; }
  .range { stroke: #24292f; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #9da7b1; } .ours { fill: #3fb68b; } .range { stroke: #e6edf3; }
  }
</style>
<text x="8" y="22">Seconds from an empty staging database to production’s data in it; shorter is better</text>
<text id="caption" class="small" x="8" y="41">${escapeXml(caption)}</text>
${rows.join('\n')}
<text class="small" x="8" y="${height - 10}">Bar: median. Line: quickest to slowest round.</text>
</svg>
`;
}

function bar(one: Comparison, y: number, scale: number): string {
  const middle = y + barHeight / 2;
  const at = (seconds: number) => (labelWidth + seconds * scale).toFixed(1);
  const ratio = one.ratio === undefined ? '' : ` (${one.ratio.toFixed(2)})`;
  return [
    `<text x="${labelWidth - 10}" y="${middle + 5}" text-anchor="end" textLength="${labelLength(one.title)}" lengthAdjust="spacingAndGlyphs">${escapeXml(one.title)}</text>`,
    `<rect class="${one.ours ? 'ours' : 'peer'}" x="${labelWidth}" y="${y}" width="${(one.seconds * scale).toFixed(1)}" height="${barHeight}" rx="2"/>`,
    `<line class="range" x1="${at(one.quickest)}" x2="${at(one.slowest)}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${(Number(at(one.slowest)) + 8).toFixed(1)}" y="${middle + 5}">${one.seconds.toFixed(1)} s${ratio}</text>`,
  ].join('\n');
}

/** Fonts differ from one reader's machine to the next: the length is said, so that no label runs into its bar. */
function labelLength(text: string): number {
  return Math.min(labelWidth - 20, Math.round(text.length * 6.9));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
