import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { connectionUrl } from '../../scripts/local/server.ts';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { contentOf } from '../support/content.ts';
import { expectFailure, expectRun } from '../support/engine.ts';
import { as, databasesBeside, leavingNoTrace, scenarioOf } from '../support/scenario.ts';
import { freshDatabase, servers } from '../support/servers.ts';

/** Every printable ASCII character that some layer may take for syntax, and some beyond. */
const hostile = `p@ss:w/o?r#d%25%41 &=+'"\\\\$HOME\`id\`~!*()[]{}<>|^;,.-_ é漢🙂`;

/** A name of a table and of its column that tries terminals, GitHub's runner and HTML. */
const spoken = 'x\n::add-mask::y ##[add-matcher]z \u001b[31m<script>';

test('passwords, roles and databases with every hostile character', async () => {
  const pair = await servers();
  await using scenario = await scenarioOf(
    await freshDatabase(pair.production, { prefix: `prod'u"c=t \\%41é ;--$x` }),
    await freshDatabase(pair.staging, { prefix: `st"ag'i=ng \\%41é ;--$x` }),
  );
  const { production, staging, environment } = scenario;
  const role = `r@o"l'e:/?#% \\é`;
  const quoted = escapeIdentifier(role);
  const login = `create role ${quoted} login createdb bypassrls password ${escapeLiteral(hostile)}`;
  await as('postgres', production, (session) => session.query(`${login} in role pg_read_all_data`));
  await as('postgres', staging, (session) =>
    session.query(`${login}; grant app to ${quoted} with inherit true, set true`),
  );
  await as('app', production, (session) =>
    session.query(`
      create schema "we""ird.na'me";
      create table "we""ird.na'me"."ta.b""le \\ ;-- é" ("co.l""u'mn \\" text primary key, "select" int);
      insert into "we""ird.na'me"."ta.b""le \\ ;-- é" select e'\\\\N \\t \\n \\\\. é ' || g, g from generate_series(1, 100) g;
      create sequence "we""ird.na'me"."se.q""u'ence";
      create table e_mails (${escapeIdentifier(spoken)} text, email text);
      alter table e_mails rename to ${escapeIdentifier(spoken)};
      select setval('"we""ird.na''me"."se.q""u''ence"', 77, false);
      create function "we""ird.na'me"."fun(ction"(text) returns text language sql as 'select $1';
      grant select on "we""ird.na'me"."ta.b""le \\ ;-- é" to ${quoted} with grant option;
      comment on table "we""ird.na'me"."ta.b""le \\ ;-- é" is 'it''s;\\ -- Name: x; Type: TABLE'`),
  );
  const run = await leavingNoTrace(scenario, () =>
    expectRun({
      ...environment,
      GITHUB_ACTIONS: 'true',
      PRODUCTION_DB_URL: connectionUrl(production.server, role, hostile, production.name),
      STAGING_DB_URL: connectionUrl(staging.server, role, hostile, staging.name),
    }),
  );
  assert.match(run.report?.warnings.join('\n') ?? '', /::add-mask::/, 'the name is told');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
  assert.doesNotMatch(run.stderr, /^\s*::(?!(end)?group::)|##\[|[\u0000-\u0008\u000b-\u001f]/m);
  assert.deepEqual(await contentOf(staging), await contentOf(production));
  // A wrong one is not echoed either; both are searched for in all that the engine wrote.
  await expectFailure(
    {
      ...environment,
      PRODUCTION_DB_URL: connectionUrl(production.server, role, `${hostile}x`, production.name),
    },
    { exit: 3, code: 'login-refused' },
  );
  for (const { server, name } of [production, staging]) {
    await withSession(server, superuser(server), name, (session) => session.query(`drop owned by ${quoted}`));
  }
  for (const name of await databasesBeside(staging))
    await as('postgres', { server: staging.server, name }, (session) =>
      session.query(`drop owned by ${quoted}`),
    );
  for (const { server } of [production, staging])
    await withSession(server, superuser(server), 'postgres', (session) =>
      session.query(`drop role ${quoted}`),
    );
});

test('a database name of 63 bytes, twice', async () => {
  const pair = await servers();
  // freshDatabase adds 11 bytes; é has two.
  const prefix = `${'é'.repeat(25)}xx`;
  await using scenario = await scenarioOf(
    await freshDatabase(pair.production, { prefix }),
    await freshDatabase(pair.staging, { prefix }),
  );
  const { production, staging, environment } = scenario;
  assert.equal(Buffer.byteLength(staging.name), 63);
  await as('app', production, (session) => session.query('create table t as select 1 as id'));
  const first = await expectRun(environment);
  const second = await expectRun(environment, ['--keep-previous', '0']);
  assert.deepEqual((await contentOf(staging)).tables, (await contentOf(production)).tables);
  for (const { report } of [first, second]) assert.equal(report.published?.database, staging.name);
  const left = await withSession(staging.server, superuser(staging.server), 'postgres', async (session) => {
    const { rows } = await session.query(`select datname from pg_database where datname like 'é%\\_\\_%'`);
    return rows;
  });
  assert.deepEqual(left, []);
});
