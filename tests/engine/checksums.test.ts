import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import { expectFailure, expectRun } from '../support/engine.ts';
import { as, leavingStagingAlone, makeScenario, type Scenario } from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';
import { tampering } from '../support/tampering.ts';

/**
 * Pairs of values of each type that are equal, or nearly so, to the type itself or to its hash, and are not the same.
 * Written by hand from the manual, chapter 8.
 */
const nearlyEqual: readonly (readonly [type: string, value: string, other: string])[] = [
  ['boolean', 'true', 'false'],
  ['integer', '7', '8'],
  ['numeric', '1.0', '1.00'],
  ['numeric(8,2)', '1.10', '1.11'],
  ['double precision', '0', '-0'],
  ['real', '1', '1.0000001'],
  ['interval', '1 mon', '30 days'],
  ['time with time zone', '12:00+00', '13:00+01'],
  ['timestamp with time zone', '2026-01-01 00:00:00+00', '2026-01-01 00:00:00.000001+00'],
  ['text', 'a', 'a '],
  ['varchar', 'x', 'X'],
  ['bpchar', 'a', 'a '],
  ['bytea', '\\x00', '\\x0000'],
  ['integer[]', '{1,2}', '{{1},{2}}'],
  ['integer[]', '{1}', '[0:0]={1}'],
  ['text[]', '{NULL}', '{"NULL"}'],
  ['mood', 'ok', 'sad'],
  ['pair', '(,)', '(,"")'],
  ['positive', '1', '2'],
  ['json', '{"a":1}', '{"a": 1}'],
  ['jsonb', '{"a": 1.0}', '{"a": 1.00}'],
  ['xml', '<a/>', '<a></a>'],
  ['point', '(0,0)', '(-0,0)'],
  ['tsvector', 'a:1', 'a:2'],
  ['bit(3)', '101', '100'],
  ['money', '1.00', '1.01'],
  ['inet', '10.0.0.0/8', '10.0.0.0/9'],
  ['uuid', '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000001'],
  ['regclass', 'pg_class', 'pg_type'],
  ['int4range', '[1,5)', '[1,6)'],
  ['"char"', 'a', 'b'],
];

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

const types = `
  create type mood as enum ('sad', 'ok'); create type pair as (a text, b text);
  create domain positive as integer check (value > 0);
  create function as_text(pair) returns text language sql immutable as $$ select 'a pair' $$;
  create cast (pair as text) with function as_text(pair);`;

test('checksums see any change of a value, whatever its type', async () => {
  const columns = nearlyEqual.map(([type], index) => `c${index} ${type}`);
  const values = nearlyEqual.map(([, value]) => quoted(value));
  const changes = nearlyEqual.map(([, , other], index) => `c${index} = ${quoted(other)}`);
  await using scenario = await makeScenario(`
    ${types}
    create table every (id integer primary key, ${columns.join(', ')});
    insert into every values (1, ${values.join(', ')});
    insert into every values (2);
    ${tampering([`update public.every set ${changes.join(', ')} where id = 1`])}`);
  // Counts don't.
  const { report } = await expectRun(scenario.environment, ['--no-artifact']);
  assert.equal(report.verification?.method, 'counts');

  const result = await leavingStagingAlone(scenario, () =>
    expectFailure(
      scenario.environment,
      { exit: 5, code: 'copy-differs', says: /public\.every: as many rows/ },
      ['--verify', 'checksums', '--no-artifact'],
    ),
  );
  const named = /which differ in (.*) \(1 of/.exec(result.stderr)?.[1]?.split(', ') ?? [];
  const unseen = nearlyEqual.filter((_, index) => !named.includes(`c${index}`)).map(([type]) => type);
  assert.deepEqual(unseen, []);
});

test('checksums of what was masked and filtered, of tables without columns and of what is loaded through a root', async () => {
  await using scenario = await makeScenario(`
    create table people (id integer primary key, email varchar(60), born date, amount numeric(10,2), code char(6), left_out boolean);
    insert into people select g, 'p' || g || '@example.com', date '1990-01-01' + g, g / 7.0, 'c' || g, g % 5 = 0 from generate_series(1, 300) g;
    create table nothing (); insert into nothing select from generate_series(1, 5);
    create type level as enum ('low', 'high');
    create table levels (l level, n integer, note text) partition by hash (l);
    create table levels_0 partition of levels for values with (modulus 2, remainder 0);
    create table levels_1 partition of levels for values with (modulus 2, remainder 1);
    insert into levels select (enum_range(null::level))[1 + g % 2], g, 'n' || g from generate_series(1, 100) g;`);
  const policy = join(await testFolder(), 'refresh.policy.yaml');
  await writeFile(
    policy,
    `version: 1
unlisted: copy
tables:
  public.people:
    treatment: copy
    where: not left_out
    mask: { email: email, born: { truncate-date: year }, amount: { sql: "amount * 1.234567" }, code: { fixed: "x" } }
`,
  );
  const environment = { ...scenario.environment, [environmentName.maskKey]: '5'.repeat(64) };
  const { report } = await expectRun(environment, ['--verify', 'checksums', '--policy', policy]);
  assert.equal(report.verification?.method, 'checksums');
  assert.equal(report.verification?.rows, 240 + 5 + 100);
});

test('a row that is not there stops the run, and production’s rows were read once', async () => {
  await using scenario = await makeScenario(`
    create table items (id integer primary key, name text);
    insert into items select g, 'item ' || g from generate_series(1, 1000) g;
    ${tampering(['delete from public.items where id = 500'])}`);
  const expected = {
    exit: 5,
    code: 'copy-differs',
    says: /public\.items: 1000 rows in production, 999 in staging/,
  };
  await leavingStagingAlone(scenario, async () => {
    const before = await timesRead(scenario, 'items');
    const result = await expectFailure(scenario.environment, expected);
    assert.equal((await timesRead(scenario, 'items')) - before, 1);
    return result;
  });
});

test('one changed value is a difference that stops the run, and its table and column are named', async () => {
  await using scenario = await makeScenario(`
    create table items (id integer primary key, name text, price numeric);
    insert into items select g, 'item ' || g, g from generate_series(1, 1000) g;
    create table others (id integer primary key, a text, b text);
    insert into others values (1, 'x', 'y'), (2, 'y', 'x');
    ${tampering([`update public.items set price = price + 0.01 where id = 500`, 'update public.others set a = b, b = a'])}`);
  const result = await leavingStagingAlone(scenario, () =>
    expectFailure(
      scenario.environment,
      {
        exit: 5,
        code: 'copy-differs',
        says: /public\.items: as many rows as in production, which differ in price/,
      },
      ['--verify', 'checksums'],
    ),
  );
  assert.match(
    result.stderr,
    /public\.others: as many rows as in production, which differ in how its values go together/,
  );
  assert.doesNotMatch(result.stderr, /name|id,/);
});

/** How often production has read a table from its beginning, of which a session tells the server as it ends. */
async function timesRead({ production }: Scenario, table: string): Promise<number> {
  for (;;) {
    const [row] = await as('postgres', production, async (session) => {
      const { rows } = await session.query<{ times: number; sessions: number }>(
        `select (seq_scan + idx_scan)::int as times,
                (select count(*)::int from pg_stat_activity
                  where datname = current_database() and application_name like 'staging-refresh%') as sessions
           from pg_stat_user_tables where relname = $1`,
        [table],
      );
      return rows;
    });
    if (row?.sessions === 0) return row.times;
  }
}
