import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { nextWeek } from '../../scripts/local/sample-business.ts';
import { runsOfComment } from '../../scripts/model/history.ts';
import type { Report } from '../../scripts/model/report.ts';
import { contentOf } from '../support/content.ts';
import { expectRun } from '../support/engine.ts';
import { as, databasesBeside, leavingNoTrace, makeScenario, scenarioOf } from '../support/scenario.ts';
import { freshDatabase, sampleDatabase, servers } from '../support/servers.ts';

test('the sample business: staging becomes production, twice, and keeps one earlier database', async (t) => {
  const { staging: server } = await servers();
  await using scenario = await scenarioOf(
    await sampleDatabase(),
    await freshDatabase(server, { prefix: 'stag' }),
  );
  const { production, staging, environment } = scenario;

  await t.test('rows, sequences, definitions, owners and privileges are equal on both sides', async () => {
    await leavingNoTrace(scenario, async () => {
      const result = await expectRun(environment);
      const { report, summary } = result;
      assert.equal(report.verification?.rows, summary.rows);
      assert.equal(report.tables.length, summary.tables);
      assert.deepEqual(report.leftOut, []);
      // Without a data policy there is one warning for each column that looks like personal data, and no other.
      for (const warning of report.warnings)
        assert.match(warning, /^copied as it is, without a data policy: /);
      assert.equal(report.published?.database, staging.name);
      assertWork(report);
      return result;
    });
    assert.deepEqual(await contentOf(staging), await contentOf(production));
  });
  const [first] = await databasesBeside(staging);

  await t.test(
    'a week later it follows production, and the earlier previous database is dropped',
    async () => {
      const lastWeek = await contentOf(staging);
      await nextWeek(production.server, production.name);
      const { report } = await expectRun(environment);
      assert.deepEqual(await contentOf(staging), await contentOf(production));
      const beside = await databasesBeside(staging);
      assert.deepEqual(beside, [report.published?.previous]);
      assert.notEqual(beside[0], first);
      const previous = { server: staging.server, name: beside[0] ?? '' };
      assert.deepEqual((await contentOf(previous)).tables, lastWeek.tables);
    },
  );
});

/** What each worker did lies within the run, one thing at a time, and every table is among it. */
function assertWork({ seconds, tables, work }: Report): void {
  assert(work, 'a report of a whole copy says who did what when');
  assert.ok(work.tasks.length > tables.length);
  const free = Array.from({ length: work.workers }, () => 0);
  for (const { worker, name, begun, seconds: took } of work.tasks) {
    // Times are rounded to the millisecond.
    assert.ok(begun >= (free[worker] ?? Infinity) - 0.002, `${name} began before worker ${worker} was free`);
    free[worker] = begun + took;
  }
  assert.ok(Math.max(...free) <= seconds + 0.002);
  for (const { schema, name } of tables.filter(({ rows }) => rows > 1000))
    assert.ok(
      work.tasks.some((task) => task.name.includes(`${schema}.${name}`)),
      name,
    );
}

test('what belongs to the staging database itself stays with the name', async () => {
  await using space = await makeTablespace();
  await using scenario = await makeScenario();
  const { production, staging, environment } = scenario;
  const name = `"${staging.name}"`;
  await as('postgres', production, (session) =>
    session.query(`alter database "${production.name}" set work_mem = '9MB';
      alter database "${production.name}" set datestyle = 'SQL, DMY';
      select set_config('search_path', 'Public, "Sonder Fall", pg_catalog, a;create/**/role/**/set_by_a_setting', false);
      alter database "${production.name}" set search_path from current;
      comment on database "${production.name}" is 'production''s own'`),
  );
  await as('postgres', staging, (session) =>
    session.query(`alter database ${name} set work_mem = '7MB';
      alter role app in database ${name} set statement_timeout = '33s';
      alter database ${name} connection limit 42;
      comment on database ${name} is 'ours: it''s \\ "quoted"';
      revoke connect, temporary on database ${name} from public;
      grant connect on database ${name} to app, doadmin;
      grant create on database ${name} to doadmin with grant option`),
  );
  await as('postgres', { ...staging, name: 'postgres' }, async (session) => {
    await session.query(`alter database ${name} set tablespace "${space.name}"`);
    await session.query(`alter database ${name} is_template true`);
  });
  const own = () =>
    as('postgres', staging, async (session) => {
      const { rows } = await session.query(
        `select pg_get_userbyid(datdba) as owner, datconnlimit, encoding, datcollate, datistemplate,
                (select spcname from pg_tablespace t where t.oid = dattablespace) as space,
                shobj_description(oid, 'pg_database') as comment,
                (select json_agg(a order by a.grantee, a.privilege_type) from (
                   select pg_get_userbyid(grantee) as grantee, privilege_type, is_grantable
                     from aclexplode(datacl) where grantee <> datdba) a) as acl
           from pg_database where datname = current_database()`,
      );
      return rows[0] as { comment: string } & Record<string, unknown>;
    });
  const before = await own();
  for (const runs of [1, 2]) {
    const { report } = await expectRun(environment);
    const { comment, ...after } = await own();
    const remembered = runsOfComment(comment);
    assert.equal(remembered.length, runs);
    assert.equal(remembered.at(-1)?.runId, report.runId);
    // Each run leaves a line below what people wrote.
    const people = comment.split('\n').slice(0, -runs).join('\n');
    assert.deepEqual({ ...after, comment: people }, before);
  }
  const settings = await as('postgres', staging, async (session) => {
    const { rows } = await session.query<{ setting: string }>(
      `select coalesce(r.rolname || ': ', '') || unnest(setconfig) as setting
         from pg_db_role_setting s join pg_database d on d.oid = setdatabase and datname = current_database()
         left join pg_roles r on r.oid = setrole order by 1`,
    );
    return rows.map((row) => row.setting);
  });
  assert.deepEqual(settings, [
    'DateStyle=SQL, DMY',
    'app: statement_timeout=33s',
    'search_path=public, "Sonder Fall", pg_catalog, "a;create/**/role/**/set_by_a_setting"',
    'work_mem=7MB',
  ]);
  const roles = await as('postgres', staging, (session) =>
    session.query(`select from pg_roles where rolname = 'set_by_a_setting'`),
  );
  assert.equal(roles.rowCount, 0, 'a setting of production’s was carried out as a statement');
  // The first one that was set aside was a template, and is dropped all the same.
  assert.equal((await databasesBeside(staging)).length, 1);
  await as('postgres', staging, (session) => session.query(`alter database ${name} is_template false`));
});

/** A tablespace of staging's that its administrator may use. */
async function makeTablespace(): Promise<AsyncDisposable & { readonly name: string }> {
  const server = (await servers()).staging;
  const name = `space_${randomBytes(4).toString('hex')}`;
  const home = { server, name: 'postgres' };
  await as('postgres', home, async (session) => {
    await session.query('set allow_in_place_tablespaces = on');
    await session.query(`create tablespace ${name} location ''`);
    await session.query(`grant create on tablespace ${name} to doadmin`);
  });
  return {
    name,
    [Symbol.asyncDispose]: () =>
      as('postgres', home, async (session) => {
        await session.query(`drop tablespace ${name}`);
      }),
  };
}

test('every session on production is read-only, also that of a role that may write', async () => {
  await using scenario = await makeScenario();
  const { production, environment } = scenario;
  const { app } = await servers();
  const url = new URL(environment.PRODUCTION_DB_URL ?? '');
  Object.assign(url, { username: app.user, password: app.password });
  await as('postgres', production, (session) =>
    session.query(`
      create function only_readers() returns event_trigger language plpgsql as $$
        begin
          if session_user <> 'postgres' and current_setting('default_transaction_read_only') <> 'on' then
            raise exception 'a session that could write';
          end if;
        end $$;
      create event trigger only_readers on login execute function only_readers()`),
  );
  const result = await leavingNoTrace(scenario, () =>
    expectRun({ ...environment, PRODUCTION_DB_URL: url.href }),
  );
  // Event triggers are a superuser's: they are named, not lost silently.
  assert.match(result.report?.warnings.join('\n') ?? '', /EVENT TRIGGER.*only_readers/);
});

test('--keep-previous decides how many earlier databases stay, and strangers’ stay anyway', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const stranger = `${staging.name}__previous_20200101t000000_beef`;
  await as('postgres', staging, (session) => session.query(`create database "${stranger}"`));
  const published: (string | null)[] = [];
  for (const keep of ['2', '2', '2', '1']) {
    const { report } = await expectRun(environment, ['--keep-previous', keep]);
    published.push(report.published?.previous ?? null);
    const expected = [stranger, ...published.slice(-Number(keep))].sort();
    assert.deepEqual(await databasesBeside(staging), expected);
  }
  const { report } = await expectRun(environment, ['--keep-previous', '0']);
  assert.deepEqual(await databasesBeside(staging), [stranger]);
  assert.match(report.warnings.join('\n'), new RegExp(`${stranger} looks like one of ours but has no mark`));
});
