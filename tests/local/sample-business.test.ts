import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fillSampleBusiness, nextWeek } from '../../scripts/local/sample-business.ts';
import {
  dropDatabase,
  freshDatabase,
  query,
  sampleDatabase,
  servers,
  type TestDatabase,
} from '../support/servers.ts';

const expectedRows = {
  'audit.events': 80_000,
  'billing.invoices': 25_493,
  'billing.monthly_revenue': 24,
  'billing.payments': 22_462,
  'billing.prices': 6_000,
  'public.api_tokens': 2_000,
  'public.categories': 40,
  'public.contacts': 24_000,
  'public.customers': 12_000,
  'public.feature_flags': 20,
  'public.products': 4_000,
  'public.purchase_order_lines': 90_466,
  'public.purchase_orders': 30_000,
  'public.sessions': 5_000,
  'public.suppliers': 400,
  'public.users': 300,
};

describe('the sample business', () => {
  let first: TestDatabase;
  let second: TestDatabase;
  before(async () => {
    first = await sampleDatabase();
    second = await freshDatabase((await servers()).production, { prefix: 'sample' });
    assert.equal(await fillSampleBusiness(second.server, second.name), 302_181);
  });
  after(async () => {
    await dropDatabase(first);
    await dropDatabase(second);
  });

  test('has the rows of a business of its size', async () => {
    const rows = Object.fromEntries((await content(first)).map((table) => [table.name, table.rows]));
    assert.deepEqual(rows, expectedRows);
  });

  test('is the same each time, and so is the week that follows', async () => {
    const start = await content(first);
    assert.deepEqual(await content(second), start);
    await nextWeek(first.server, first.name);
    await nextWeek(second.server, second.name);
    const oneWeek = await content(first);
    assert.deepEqual(await content(second), oneWeek);
    const changed = oneWeek.filter(
      ({ name, hash }) => start.find((table) => table.name === name)?.hash !== hash,
    );
    assert.deepEqual(
      changed.map(({ name }) => name),
      [
        'audit.events',
        'billing.invoices',
        'billing.monthly_revenue',
        'public.contacts',
        'public.customers',
        'public.purchase_order_lines',
        'public.purchase_orders',
        'public.sessions',
      ],
    );
    await nextWeek(first.server, first.name);
    assert.notDeepEqual(await content(first), oneWeek);
  });

  test('belongs to the app, all of it', async () => {
    const strangers = await ask(
      second,
      `SELECT c.oid::regclass::text AS object FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
       WHERE n.nspname IN ('public', 'billing', 'audit') AND pg_get_userbyid(c.relowner) <> 'app'
       UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
       WHERE n.nspname IN ('public', 'billing', 'audit') AND pg_get_userbyid(p.proowner) <> 'app'
         AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
       UNION ALL SELECT nspname::text FROM pg_namespace WHERE nspname IN ('billing', 'audit') AND pg_get_userbyid(nspowner) <> 'app'`,
    );
    assert.deepEqual(strangers, []);
  });

  test('holds one of each kind of object that a copy may lose', async () => {
    const [kinds] = await ask(second, kindsOfObjects);
    const missing = Object.entries(kinds ?? {}).filter(([, there]) => there !== true);
    assert.deepEqual(missing, []);
    assert.equal(Object.keys(kinds ?? {}).length, 20);
  });

  test('finds the helper of a check by search_path, as applications do', async () => {
    const check = `SELECT is_vat_number('DE123456789') AS valid`;
    assert.deepEqual(await ask(second, check), [{ valid: true }]);
    await assert.rejects(
      ask(second, `SET search_path = ''; SELECT public.is_vat_number('DE123456789')`),
      /vat_country\(text\) does not exist/,
    );
  });
});

const kindsOfObjects = `SELECT
  EXISTS (SELECT FROM pg_type WHERE typname = 'order_status' AND typtype = 'e') AS enum,
  EXISTS (SELECT FROM pg_type WHERE typname = 'email_address' AND typtype = 'd') AS domain,
  EXISTS (SELECT FROM pg_class WHERE relname = 'postal_address' AND relkind = 'c') AS composite,
  EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'products'::regclass AND attgenerated = 's') AS generated,
  EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attidentity = 'a') AS identity_always,
  EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'contacts'::regclass AND attidentity = 'd') AS identity_default,
  EXISTS (SELECT FROM pg_class WHERE relname = 'sessions' AND relpersistence = 'u') AS unlogged,
  EXISTS (SELECT FROM audit.events_older) AS default_partition_with_rows,
  EXISTS (SELECT FROM pg_constraint WHERE contype = 'x') AS exclusion,
  EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = confrelid AND condeferrable) AS self_reference,
  EXISTS (SELECT FROM pg_constraint WHERE NOT convalidated) AS not_validated,
  EXISTS (SELECT FROM pg_matviews WHERE ispopulated) AS materialized_view,
  EXISTS (SELECT FROM pg_policies WHERE tablename = 'contacts') AS policy,
  EXISTS (SELECT FROM pg_statistic_ext) AS statistics,
  EXISTS (SELECT FROM pg_trigger WHERE NOT tgisinternal) AS trigger,
  EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') AS extension,
  EXISTS (SELECT FROM pg_sequences WHERE sequencename = 'invoice_numbers' AND cache_size = 10) AS own_sequence,
  EXISTS (SELECT FROM pg_proc WHERE proname = 'first_of' AND prokind = 'a') AS aggregate,
  EXISTS (SELECT FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase WHERE d.datname = current_database()) AS database_setting,
  obj_description('contacts'::regclass) IS NOT NULL AS comment`;

interface TableContent extends Record<string, unknown> {
  readonly name: string;
  readonly rows: number;
  readonly hash: string;
}

/** Rows and a hash of the content that doesn't depend on their order, table by table. */
async function content(database: TestDatabase): Promise<TableContent[]> {
  const { production } = await servers();
  const tables = Object.keys(expectedRows).map(
    (name) =>
      `SELECT '${name}' AS name, count(*)::int AS rows, sum(hashtextextended(t::text, 0))::text AS hash FROM ${name} AS t`,
  );
  return await query<TableContent>(
    database.url('reader'),
    production.caFile,
    `${tables.join(' UNION ALL ')} ORDER BY 1`,
  );
}

async function ask(database: TestDatabase, sql: string): Promise<Record<string, unknown>[]> {
  return await query(database.url('postgres'), database.server.caFile, sql);
}
