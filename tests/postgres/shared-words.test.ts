import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareWords } from '../../scripts/postgres/shared-words.ts';

test('lists of the same words are one list, wherever they are, and nothing says anything else than before', () => {
  const row = (name: string) => ({
    name,
    columns: ['id', 'name'],
    constraint: { columns: ['id', 'name'], kind: 'p' },
    others: ['name', 'id'],
    joined: ['id","name'],
    partitions: [{ table: 1, name }],
    marks: [],
    partitionOf: null,
  });
  const [first, second] = [row('a'), row('b')];
  shareWords([first, second]);
  assert.equal(first.columns, second.columns);
  assert.equal(first.columns, first.constraint.columns);
  assert.equal(first.marks, second.marks);
  assert.deepEqual([first, second], [row('a'), row('b')]);
});
