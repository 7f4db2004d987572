import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proofScript } from '../../scripts/artifact/script.ts';

test('however many tables are counted, no transaction has locks on more than a hundred of them', () => {
  const tables = Array.from({ length: 4500 }, (_, n) => ({ from: `only t${n}`, rows: 1, condition: null }));
  const transactions = proofScript(tables, '2026-11-24').split('\ncommit;\n');
  assert.equal(transactions.length, 45);
  for (const text of transactions) assert.equal(text.match(/from only t/g)?.length, 100);
  assert.match(transactions.at(-1) ?? '', /select 'complete: 4500 rows in 4500 tables, as of 2026-11-24'/);
  assert.match(proofScript([], '2026-11-24'), /^\nselect 'complete: 0 rows in 0 tables/);
});
