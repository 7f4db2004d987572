import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import {
  formatPlanMarkdown,
  formatPlanTable,
  markdownCell,
  type PlanLine,
} from '../../../scripts/stages/plan/table.ts';

const line: PlanLine = {
  order: 1,
  table: 'public.orders',
  treatment: 'copy',
  rows: 1_234_567,
  bytes: 310_000_000,
  parts: 2,
  masked: [],
  rowsLeftOut: null,
  through: [],
};

test('a plan is columns, and one that is empty everywhere is left away', () => {
  const text = formatPlanTable([
    line,
    { ...line, order: 2, table: 'web.a', rows: null, bytes: 10, parts: 1 },
  ]);
  assert.deepEqual(text.split('\n'), [
    '#  table          treatment        rows      size  parts',
    '1  public.orders  copy       ~1,234,567  310.0 MB      2',
    '2  web.a          copy                       10 B',
  ]);
});

test('a plan fits a terminal of eighty columns, with long names and many masks', () => {
  const masked = Array.from({ length: 30 }, (_, n) => `column_${n}: full_name`);
  const table = `public.${'漢'.repeat(40)}`;
  const text = formatPlanTable([line, { ...line, table, masked, rowsLeftOut: 112 }], 80);
  for (const each of text.split('\n')) assert.ok(stringWidth(each) <= 80, each);
  for (const mask of masked) assert.ok(text.includes(mask), mask);
  assert.match(text, /public\.漢*…漢+/);
});

test('a name neither ends its cell nor becomes HTML, a link or a mention', () => {
  assert.equal(
    markdownCell('a|b\n<img src=x> @team `x` [l](u)'),
    'a\\|b &lt;img src=x> &#64;team \\`x\\` \\[l\\](u)',
  );
  const [, , row = ''] = formatPlanMarkdown([{ ...line, table: 'public.a|b' }]).split('\n');
  assert.equal(row, '| public.a\\|b | copy | ~1,234,567 | 310.0 MB |  |  |');
});
