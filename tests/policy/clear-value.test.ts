import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RefreshError } from '../../scripts/model/errors.ts';
import { Secret } from '../../scripts/model/secret.ts';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { ident } from '../../scripts/model/table.ts';
import { refusingClear } from '../../scripts/policy/masks/clear-value.ts';
import { type MaskSpec, maskExpression, maskOf, toRule } from '../../scripts/policy/masks.ts';
import { readTableFacts } from '../../scripts/policy/table-facts.ts';
import { copyOut } from '../../scripts/postgres/copy-out.ts';
import { paddedKey } from '../../scripts/postgres/padded-key.ts';
import { openSession, type Session } from '../../scripts/postgres/session.ts';
import { ownMask } from '../support/policy.ts';
import { freshDatabase, servers, type TestDatabase } from '../support/servers.ts';

const own = `'${ownMask.address}'`;

/** Each type with a value; a nondeterministic collation takes 'CLEAR' for the same. */
const types: Readonly<Record<string, string>> = {
  text: `'clear'`,
  'varchar(7)': `'clear'`,
  'char(7)': `'clear'`,
  name: `'clear'`,
  'public.short': `'clear'`,
  'public.shorter': `'clear'`,
  bytea: `'clear'`,
  uuid: `'c1ea0000-0000-4000-8000-000000000000'`,
  inet: `'10.1.2.3/24'`,
  cidr: `'10.1.2.0/24'`,
  date: `'1970-05-05'`,
  timestamp: `'1970-05-05 01:02:03'`,
  'timestamp(0) with time zone': `'1970-05-05 01:02:03+01'`,
};

test('what a mask leaves as it is fails where it is sent, without a word of it', async (t) => {
  const { production } = await servers();
  const database = await freshDatabase(production);
  await using session = await open(database);
  const columns = Object.entries(types).map(([type], index) => `c${index} ${type}`);
  await session.run(`create domain short as text check (value <> ''); create domain shorter as short;
    create table public.every (id int, ${columns.join(', ')}, "it's \\ ""odd""" text, tags text[], doc jsonb, moments timestamptz[], seen date);
    insert into public.every values (1, ${Object.values(types).join(', ')}, 'clear', '{clear,null}', '{"a": "clear"}', '{infinity}', 'infinity')`);
  const facts = await readTableFacts(session);
  const known = [...facts.columns.values()].find((some) => some.has('c0'));
  const columnOf = (name: string) => {
    const column = known?.get(name);
    assert(column);
    return column;
  };
  const refused = async (sql: string, column: string) => {
    await assert.rejects(session.rows(`select ${sql} from public.every`, undefined, 'every'), (error) => {
      assert(error instanceof RefreshError);
      assert.equal(error.code, 'mask-failed');
      assert.equal(error.object, `every.${column}`);
      assert.doesNotMatch(`${error.message} ${error.hint} ${String(error.cause)}`, /clear'|c1ea|10\.1|1970/);
      return true;
    });
  };

  for (const [index, type] of Object.keys(types).entries()) {
    await t.test(type, async () => {
      const name = `c${index}`;
      const mask = maskOf(toRule('uuid'));
      const clear = { value: ident(name), column: columnOf(name), part: false };
      // A mask that gives what it got, though it is one of those that never do.
      await refused(refusingClear(mask, ident(name), clear), name);
      // Planned with constants all over, it fails only where a row comes to it.
      await session.rows(`select ${refusingClear(mask, ident(name), clear)} from public.every where id > 1`);
    });
  }

  await t.test('a name of whatever letters', async () => {
    const name = `it's \\ "odd"`;
    const clear = { value: ident(name), column: columnOf(name), part: false };
    await refused(refusingClear(maskOf(toRule('hash')), ident(name), clear), name);
  });

  await t.test('an element of an array, a value in a document; NULL, nothing and infinity stay', async () => {
    const masked = (name: string, spec: MaskSpec) => maskExpression(toRule(spec), columnOf(name));
    const tags = masked('tags', 'ip');
    const doc = masked('doc', { json: { 'a[]': 'ip' } });
    const set = (values: string) => session.run(`update public.every set ${values}`);
    const value = async (sql: string) =>
      (await session.row<{ value: unknown }>(`select (${sql})::text as value from public.every`)).value;
    await set(
      `tags = array['10.0.0.1', null, ${own}], doc = jsonb_build_object('a', array['10.0.0.1', ${own}])`,
    );
    await refused(tags, 'tags');
    await refused(doc, 'doc');
    for (const nothing of ['{}', '{NULL,NULL}', null]) {
      await set(`tags = ${nothing === null ? 'null' : `'${nothing}'`}`);
      assert.equal(await value(tags), nothing);
    }
    for (const nothing of ['{"a": []}', '{"a": [null]}', '{"a": {}}', '[]', null]) {
      await set(`doc = ${nothing === null ? 'null' : `'${nothing}'`}`);
      assert.equal(await value(doc), nothing);
    }
    const shift = { 'shift-date': { days: 30 } };
    assert.equal(await value(masked('moments', shift)), '{infinity}');
    assert.equal(await value(masked('seen', shift)), 'infinity');
  });

  await t.test('a condition lets values pass as they are, and no others', async () => {
    await session.run(`update public.every set c0 = ${own}`);
    const conditional = (when: string) => maskExpression(toRule({ ip: {}, when }), columnOf('c0'));
    await session.rows(`select ${conditional('id > 1')} from public.every`);
    await refused(conditional('id = 1'), 'c0');
    await refused(conditional('null::boolean'), 'c0');
  });
});

test('under a collation that takes other letters for the same, the bytes count', async (t) => {
  const { production } = await servers();
  const database = await freshDatabase(production);
  await using session = await open(database);
  const made = await session
    .run(`create collation public.same (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
    .then(() => true)
    .catch(() => false);
  if (!made) return t.skip('this server has no collations of ICU');
  await session.run(
    `create table public.people (code text collate public.same); insert into public.people values ('clear')`,
  );
  const facts = await readTableFacts(session);
  const column = [...facts.columns.values()].find((some) => some.has('code'))?.get('code');
  assert(column);
  const clear = { value: ident('code'), column, part: false };
  const asked = (sql: string) =>
    `select ${refusingClear(maskOf(toRule('hash')), sql, clear)} from public.people`;
  await session.rows(asked('upper(code)'));
  await assert.rejects(session.rows(asked('lower(code)')), { code: 'mask-failed' });
});

test('one value of 100,000 that would go out clear is never sent', async () => {
  const { production } = await servers();
  const database = await freshDatabase(production);
  await using session = await open(database);
  await session.run(`create table public.hosts (id int, address text);
    insert into public.hosts select g, case g when 60000 then ${own} else '10.0.0.' || g end from generate_series(1, 100000) g`);
  const facts = await readTableFacts(session);
  const column = [...facts.columns.values()].find((some) => some.has('address'))?.get('address');
  assert(column);
  const sent: Buffer[] = [];
  const statement = `copy (select id, ${maskExpression(toRule('ip'), column)} from public.hosts) to stdout`;
  const take = (rows: Buffer) => {
    sent.push(Buffer.from(rows));
    return undefined;
  };
  await assert.rejects(copyOut(session, statement, take, 'public.hosts'), {
    code: 'mask-failed',
    object: 'public.hosts.address',
  });
  const rows = Buffer.concat(sent).toString().split('\n');
  assert.ok(rows.length <= 60_000, `${rows.length} rows went out, some of them behind it`);
  assert.deepEqual(
    rows.filter((row) => row.startsWith('60000') || /\t10[.]/.test(row)),
    [],
  );
});

async function open(database: TestDatabase): Promise<Session> {
  const { caFile } = database.server;
  const address = parseConnectionUrl(database.url('app'), 'TEST', readFileSync(caFile, 'utf8'));
  return await openSession(address, {
    side: 'staging',
    applicationName: 'test',
    startup: paddedKey(new Secret(ownMask.key)),
    readsRows: true,
  });
}
