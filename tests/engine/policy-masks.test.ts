import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { dumpOf } from '../support/content.ts';
import { expectRun } from '../support/engine.ts';
import { maskKey, policyFlags } from '../support/policy.ts';
import { as, makeScenario, type Scenario } from '../support/scenario.ts';
import { type TestDatabase, testFolder } from '../support/servers.ts';

const production = `
  create domain address as text check (value ~ '^[^@]+@[^@]+$');
  create type mood as enum ('glad', 'sad');
  create table people (
    id serial primary key, email address unique, code varchar(12) unique, short varchar(25), first text, last text, full_name text,
    phone varchar(20), remark text, iban text, born date, seen timestamptz, ref uuid unique, ip inet, own_ip inet unique, site text, card text,
    salary numeric(10,2), points int, feeling mood, active boolean, street text, firm text, raw bytea, tags text[], boxes address[], doc jsonb,
    old text, gone text, staff boolean not null default false, conditional text, upper_name text, shadow text generated always as (upper(first)) stored);
  create table mails (id serial primary key, email address references people (email), body text);
  create table old_mails (pages int) inherits (mails);
  create table more (id serial primary key, email address unique);
  create table drivers (truck text) inherits (people);
  create table visits (id int, visitor address) partition by range (id);
  create table visits_1 (visitor address, id int);
  alter table visits attach partition visits_1 for values from (0) to (100);
  create table calls (at date, who text) partition by range (at);
  create table calls_1 partition of calls for values from ('2026-01-01') to ('2026-02-01');
  insert into people (email, code, short, first, last, full_name, phone, remark, iban, born, seen, ref, ip, own_ip, site, card, salary,
      points, feeling, active, street, firm, raw, tags, boxes, doc, old, gone, staff, conditional, upper_name)
  select 'clear' || g || '@corp.test', 'CODE-' || g, 'clear' || g || '@x.y', 'Clearfirst' || g, 'Clearlast' || g, 'Clear Full ' || g, '+49 30 ' || 100000 + g,
      'clear remark ' || g, 'DE89' || 370400440532013000 + g, date '1970-01-05' + g, timestamptz '2026-01-01 00:00Z' + g * interval '1 hour',
      md5(g::text)::uuid, '10.0.0.0'::inet + g, '10.1.0.0'::inet + g, 'https://clear.test/' || g, 5500000000000000 + g, 1000 + g, g, 'glad', true,
      'Clearstreet ' || g, 'Clearfirm ' || g, sha256(g::text::bytea), array['clear-a' || g, null, 'clear-b' || g], array['clear' || g || '@corp.test', null],
      jsonb_build_object('contact', jsonb_build_object('email', 'clear' || g || '@doc.test', 'age', g),
        'items', jsonb_build_array(jsonb_build_object('iban', 'CLEARIBAN' || g), jsonb_build_object('n', 1))),
      'clear old', 'clear gone', g % 5 = 0, 'clear conditional ' || g, 'Clearname ' || g
    from generate_series(1, 300) g;
  insert into people (email, code, first, remark, full_name, tags, doc, iban) values
    (null, null, null, null, null, null, null, null), ('ü@ñ.test', '', '', '', '', '{}', '{}', ''),
    ('x@y', 'x', 'x', repeat('clear ', 20000), '漢字', '{x}', '{"contact": "clear1@doc.test", "items": {"iban": "CLEARIBAN1"}}', 'xy'), ('z@y', '**', 'a\\b', E'tab\\tnew\\nline', '', '{}', '[]', '*'),
    ('w@y', '***', null, null, null, null, '[{"contact": {"email": "clear1@doc.test"}}]', null), ('v@y', '****', null, null, null, null, '{"contact": [{"email": "clear1@doc.test"}], "items": {}}', null);
  insert into mails (email, body) select email, 'b' from people where id <= 50;
  insert into old_mails (email, body) select email, 'o' from people where id <= 50;
  insert into more (email) select email from people where email is not null;
  insert into drivers (email, code, remark, truck) values ('clear1@corp.test', 'd1', 'clear remark', 'T1');
  update people set seen = 'infinity' where code = '***';
  insert into visits select id, email from people where id <= 50;
  insert into calls values ('2026-01-05', 'clear1 who');`;

const policy = `
version: 1
tables:
  public.people:
    mask:
      email: email
      code: { hash: { length: 12 } }
      short: email
      first: { name: { part: first } }
      last: { name: { part: last } }
      full_name: name
      phone: phone
      remark: text
      iban: { partial: { keep-start: 4, keep-end: 2 } }
      born: { truncate-date: year }
      seen: { shift-date: { days: 30, per: id } }
      ref: uuid
      ip: ip
      own_ip: { ip: { version: 6 } }
      site: url
      card: card
      salary: { noise: { ratio: 0.1 } }
      points: { number: { min: 1000, max: 2000 } }
      feeling: { choice: [sad] }
      active: { fixed: false }
      street: address
      firm: company
      raw: hash
      tags: hash
      boxes: email # elements of a domain
      doc: { json: { contact.email: email, "items[].iban": { partial: { keep-start: 0 } } } }
      old: { fixed: "!" }
      gone:
      conditional: { hash: { length: 20 }, when: "not staff" }
      upper_name: { sql: "'name of ' || id" }
  public.more: { mask: { email: email } }
  public.visits: { references: [{ columns: [visitor], to: public.people, key: [email] }] }
  public.visits_1: { where: "true" }
  public.calls: { mask: { who: text } }
  public.calls_1: { where: "true" }
`;

const rowsOf = async (database: TestDatabase, sql: string) =>
  await as('postgres', database, async (session) => (await session.query<Record<string, unknown>>(sql)).rows);

async function refresh(scenario: Scenario, key = maskKey, flags: readonly string[] = []) {
  return await expectRun({ ...scenario.environment, REFRESH_MASK_KEY: key }, [
    ...(await policyFlags(policy)),
    ...flags,
  ]);
}

/** What production's rows have and no definition of a table does. */
const clearValue =
  /clear\d|Clearfirst\d|Clearlast\d|Clear Full|clear remark|Clearstreet \d|Clearfirm \d|clear-[ab]\d|CLEARIBAN|clear\.test|clear old|clear gone|Clearname|漢字/;

test('every mask on real rows: nothing clear arrives, and what arrives is what the mask says', async (t) => {
  await using scenario = await makeScenario(production);
  await as('postgres', scenario.production, (session) =>
    session.query(`alter database "${scenario.production.name}" set log_statement = 'all'`),
  );
  const logs = [scenario.production, scenario.staging].map(({ server }) => join(server.folder, 'server.log'));
  const loggedBefore = await Promise.all(logs.map(async (file) => (await readFile(file)).length));
  const folder = await mkdtemp(join(await testFolder(), 'artifacts-'));
  const run = await refresh(scenario, maskKey, ['--artifact', folder]);
  const before = await rowsOf(scenario.production, 'select * from only people order by id');
  const after = await rowsOf(scenario.staging, 'select * from only people order by id');

  await t.test('no clear value is in staging, whatever its form', async () => {
    const dump = await dumpOf(scenario.staging);
    const left = dump
      .split('\n')
      .filter((line) => /clear|漢字|ñ/i.test(line) && !/conditional \d+/.test(line));
    assert.deepEqual(left, []);
    const kept = dump.match(/clear conditional \d+/g) ?? [];
    assert.equal(kept.length, 60, 'only where the condition is false');
  });

  await t.test('shapes', () => {
    const row = after[9] ?? {};
    const shapes: Record<string, RegExp> = {
      email: /^u[0-9a-f]{20}@example\.com$/,
      code: /^[0-9a-f]{12}$/,
      short: /^u[0-9a-f]{12}@example\.com$/,
      phone: /^\+999\d{11}$/,
      iban: /^DE89\*+\d\d$/,
      ref: /^[0-9a-f-]{14}8/,
      ip: /^198\.1[89]\./,
      own_ip: /^2001:db8:/,
      site: /^https:\/\/example\.com\//,
      card: /^400000\d{10}$/,
      feeling: /^sad$/,
      old: /^!$/,
      upper_name: /^name of 10$/,
      full_name: /^\w+ \w+$/,
      street: /^\w+ \w+ \d+, \d{5} \w+$/,
      firm: / Ltd$/,
    };
    for (const [column, shape] of Object.entries(shapes)) assert.match(String(row[column]), shape, column);
    assert.equal(row.gone, null);
    assert.equal(row.active, false);
    assert.equal((row.born as Date).getMonth(), 0);
    assert.equal((row.raw as Buffer).length, 32);
    assert.equal((row.tags as unknown[])[1], null);
    assert.ok(Number(row.points) >= 1000 && Number(row.points) <= 2000);
    assert.ok(Math.abs(Number(row.salary) / 1010 - 1) <= 0.1);
    const digits = [...String(row.card)].map(Number);
    const luhn = digits.reduceRight(
      (sum, digit, i) =>
        sum + ((digits.length - i) % 2 === 0 ? (digit * 2 > 9 ? digit * 2 - 9 : digit * 2) : digit),
      0,
    );
    assert.equal(luhn % 10, 0, String(row.card));
    const doc = row.doc as {
      contact: { email: string; age: number };
      items: { iban?: string; n?: number }[];
    };
    assert.match(doc.contact.email, /^u[0-9a-f]{20}@example\.com$/);
    assert.equal(doc.contact.age, 10, 'what no path names stays');
    assert.match(doc.items[0]?.iban ?? '', /^\*+$/);
    assert.equal(doc.items[1]?.n, 1);
  });

  await t.test('NULL stays NULL; the empty, the short, the long and the foreign are masked', () => {
    const [none, empty, odd] = after.slice(300);
    assert.equal(none?.email, null);
    assert.equal(none?.doc, null);
    assert.equal(none?.tags, null);
    assert.match(String(empty?.code), /^[0-9a-f]{12}$/);
    assert.equal(empty?.iban, '*');
    assert.deepEqual(empty?.tags, []);
    assert.equal(odd?.iban, '**');
    assert.equal(String(odd?.remark).length, String(before[302]?.remark).length);
  });

  await t.test('the key is in no statement and no log; production’s log has no clear value', async () => {
    const log = await readFile(join(scenario.production.server.folder, 'server.log'), 'utf8');
    assert.match(log, /statement: copy \(select/, 'statements are logged in this test');
    const inner = Buffer.alloc(64, 0x36).map((byte, i) => byte ^ (Buffer.from(maskKey)[i] ?? 0));
    for (const secret of [maskKey, Buffer.from(maskKey).toString('hex'), Buffer.from(inner).toString('hex')])
      assert.ok(!log.includes(secret));
    // Whatever either server has logged since the run began: statements, their parameters, errors.
    for (const [index, file] of logs.entries()) {
      const since = (await readFile(file)).subarray(loggedBefore[index]).toString();
      assert.doesNotMatch(since, clearValue, file);
    }
  });

  await t.test('no clear value is in the report, on stderr or on stdout', () => {
    assert.doesNotMatch(JSON.stringify(run.report), clearValue);
    assert.doesNotMatch(run.stderr + run.stdout, clearValue);
  });

  await t.test('no clear value is in the artifact', async (artifact) => {
    if (spawnSync('zstd', ['--version']).error) return artifact.skip('zstd is not on this machine');
    const [file = ''] = await readdir(folder).then((names) => names.filter((name) => name.endsWith('.zst')));
    const { stdout } = await promisify(execFile)('zstd', ['-dc', join(folder, file)], {
      maxBuffer: 256 * 1024 * 1024,
    });
    assert.match(stdout, /u[0-9a-f]{20}@example\.com/);
    const left = stdout
      .split('\n')
      .flatMap((line) => line.replaceAll(/clear conditional \d+/g, '').match(clearValue) ?? []);
    assert.deepEqual(left, []);
  });

  await t.test('where a document has something else than its path says, that is hidden whole', () => {
    const [odd, plain, list, mixed] = after.slice(302, 306).map(({ doc }) => doc);
    const address = /^u[0-9a-f]{20}@example\.com$/;
    assert.match((odd as { contact: string }).contact, address);
    assert.match((odd as { items: string }).items, /^\*+$/);
    assert.deepEqual(plain, [], 'what holds nothing stays');
    assert.match(String(list), /^\*+$/);
    assert.match((mixed as { contact: string }).contact, address);
  });

  await t.test(
    'the same value is the same in every table; columns that refer follow, also where only the application knows',
    async () => {
      const [{ count } = { count: 0 }] = (await rowsOf(
        scenario.staging,
        'select count(*)::int as count from mails m join only people p using (email) join more o using (email) join visits v on v.visitor = email',
      )) as { count: number }[];
      assert.equal(count, 100, 'of mails and what inherits from it');
      // What inherits, and a partition with a rule of its own, was searched above: a mask goes to them, too.
      assert.equal((await rowsOf(scenario.staging, 'table drivers')).length, 1);
    },
  );

  await t.test('the same key gives the same values again, another key others', async () => {
    await refresh(scenario);
    assert.deepEqual(await rowsOf(scenario.staging, 'select * from only people order by id'), after);
    await refresh(scenario, 'another-key-altogether-0123456789');
    const other = await rowsOf(scenario.staging, 'select * from only people order by id');
    assert.notEqual(other[0]?.email, after[0]?.email);
  });
});
