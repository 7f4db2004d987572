import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planSubset, type SubsetKey, type SubsetTable } from '../../scripts/policy/subset.ts';

test('a table that refers to one with thousands of heirs is read once for all of them', () => {
  const tables = Array.from({ length: 2_002 }, (_, oid) => {
    const table = { oid, schema: 'public', name: `t${oid}`, kind: 'r' } as SubsetTable['table'];
    return { table, where: oid === 0 ? null : 'not test' };
  });
  const keys = tables.slice(1).map(
    ({ table }): SubsetKey => ({
      oid: 0,
      name: 'base',
      label: 'base',
      table: 0,
      columns: ['base_id'],
      references: table.oid,
      key: ['id'],
      nullable: [],
      equals: [],
      validated: false,
      action: 'leave-out',
    }),
  );
  const { where, reasons } = planSubset(tables, keys).get(0) ?? {};
  assert.deepEqual(reasons, [{ label: 'base', kept: where }]);
  assert.equal(where?.match(/not exists/g)?.length, 1);
  assert.equal(where?.match(/ union all /g)?.length, 2_000);
  assert.match(
    where ?? '',
    /from only "public"\."t2001" where \(\(not test\)\) is not true\) as kept0 where kept0_0 = "base_id"\)$/,
  );
});
