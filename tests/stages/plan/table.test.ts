import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { folded } from '../../../scripts/stages/plan/folded.ts';
import {
  formatPlanMarkdown,
  formatPlanTable,
  markdownCell,
  type PlanLine,
} from '../../../scripts/stages/plan/table.ts';

const line: PlanLine = {
  order: 1,
  table: 'public.orders',
  partitionOf: null,
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

test('of a thousand tables the largest are listed, and each that the policy touches; the others in one line', () => {
  const lines = Array.from({ length: 1000 }, (_, n) => ({
    ...line,
    order: n + 1,
    table: `t${n}`,
    bytes: 1000 - n,
  }));
  const touched = [
    { ...line, table: 'masked', masked: ['a: b'] },
    { ...line, table: 'some', rowsLeftOut: 3 },
    { ...line, table: 'none', treatment: 'schema-only' as const },
  ];
  const { shown, rest } = folded([...lines, ...touched]);
  assert.deepEqual(shown, [...lines.slice(0, 60), ...touched]);
  assert.equal(
    rest,
    'and 940 more that are copied as they are, none larger than 940 B, 442.3 kB in all: refresh plan --json lists every table',
  );
  const partitions = lines.map((each) => ({ ...each, partitionOf: 'events', masked: ['ip: ip'] }));
  const other = { ...line, table: 'other', partitionOf: 'events', masked: ['ip: hash'] };
  const masked = folded([...partitions, other]);
  assert.deepEqual(
    masked.shown,
    [...partitions.slice(0, 61), other],
    'the first is none that repeats another',
  );
  assert.match(
    masked.rest ?? '',
    /^and 939 more that are copied as they are, or as another partition above is, /,
  );
  const few = [...lines.slice(0, 80), ...touched];
  assert.deepEqual(folded(few), { shown: few, rest: null });
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
