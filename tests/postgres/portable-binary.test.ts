import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { readCatalog } from '../../scripts/postgres/catalog.ts';
import { openSession } from '../../scripts/postgres/session.ts';
import { makeScenario } from '../support/scenario.ts';

const tables = `
  create type mood as enum ('calm', 'cross');
  create type pair as (a int, b mood);
  create domain short as text check (length(value) < 10);
  create domain feeling as mood;
  create table plain (a int, b text, c jsonb, d numeric, e timestamptz, f int[], g text[], h mood, i short, j int4range);
  create table no_columns ();
  create table dropped (a int, b pair); alter table dropped drop column b;
  create table enum_array (a mood[]);
  create table composite (a pair);
  create table enum_domain (a feeling);
  create table object_name (a regclass);
  create table document (a xml);
  create table multirange (a int4multirange)`;

test('binary is for tables whose every type has the same bytes in another database', async () => {
  await using scenario = await makeScenario(tables);
  const { environment, production } = scenario;
  const address = parseConnectionUrl(
    production.url('reader'),
    'production',
    environment.PRODUCTION_DB_CA ?? '',
  );
  await using session = await openSession(address, { side: 'production', applicationName: 'catalog test' });
  const catalog = await readCatalog(session);
  const portable = catalog.tables.filter((table) => table.portableBinary).map((table) => table.name);
  assert.deepEqual(portable.sort(), ['dropped', 'no_columns', 'plain']);
});
