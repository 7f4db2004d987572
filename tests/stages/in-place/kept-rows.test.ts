import assert from 'node:assert/strict';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PreservedTable } from '../../../scripts/model/plan.ts';
import { parseConnectionUrl } from '../../../scripts/model/server-address.ts';
import { qualified } from '../../../scripts/model/table.ts';
import { LoneTransaction } from '../../../scripts/postgres/lone-transaction.ts';
import { keepRows } from '../../../scripts/stages/in-place/kept-rows.ts';
import { as, makeScenario } from '../../support/scenario.ts';
import { testFolder } from '../../support/servers.ts';

test('rows that are kept lie in no folder, and come back after their tables are gone', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const tables = `
    create table long (id int, filler text); create table none (id int); create table "a.b" (id int, filler text)`;
  await as('app', staging, (session) =>
    session.query(`${tables};
      insert into long select g, repeat(md5(g::text), 10) from generate_series(1, 5000) g;
      insert into "a.b" values (1, E'tab\\t'), (2, null)`),
  );
  const temporary = await mkdtemp(join(await testFolder(), 'kept-'));
  const transaction = await LoneTransaction.begin(
    parseConnectionUrl(staging.url('app'), 'TEST', environment.STAGING_DB_CA),
    { side: 'staging', applicationName: 'kept-rows test' },
  );
  try {
    const preserved = [
      kept('long', ['id', 'filler']),
      kept('none', ['id']),
      kept('a.b', ['id', 'filler', 'only_in_production']),
      kept('nowhere', ['id']),
    ];
    await using rows = await keepRows({ temporary }, transaction, preserved);
    assert.deepEqual(await readdir(temporary), []);
    await using target = await transaction.borrow({ search_path: 'public' });
    const sum = async () =>
      await target.rows(
        `select count(*)::int as n, sum(hashtextextended(t::text, 0))::text as hash
           from (select id, filler from long union all select id, null from none union all select * from "a.b") t`,
      );
    const before = await sum();
    await target.run(`drop table long, none, "a.b"; ${tables}`);
    const counts: number[] = [];
    for (const table of preserved.slice(0, 3)) {
      const columns = (await rows.columnsOf(table.table)).join(', ');
      const copyIn = `copy ${qualified(table.table)} (${columns}) from stdin`;
      counts.push(await rows.feed(table, [], { target, copyIn, object: table.table.name }));
    }
    assert.deepEqual(counts, [5000, 0, 2]);
    assert.deepEqual(await sum(), before);
    assert.deepEqual(await rows.columnsOf({ schema: 'public', name: 'nowhere' }), []);
  } finally {
    transaction.destroy();
  }
});

function kept(name: string, columns: readonly string[]): PreservedTable {
  return {
    table: {
      oid: 0,
      schema: 'public',
      name,
      kind: 'r',
      persistence: 'p',
      columns,
      bytes: 0,
      pages: 0,
      heap: true,
      portableBinary: true,
      partitionOf: null,
      populated: true,
      loadThrough: null,
      encoding: null,
      configuration: null,
    },
    rows: 'true',
    whole: true,
    key: [],
  };
}
