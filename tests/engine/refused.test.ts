import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuthority } from '../../scripts/local/certificates.ts';
import { createUser } from '../../scripts/local/roles.ts';
import { expectFailure, expectRun, runEngine } from '../support/engine.ts';
import { as, leavingStagingAlone, makeScenario, type Scenario } from '../support/scenario.ts';
import { servers, testFolder } from '../support/servers.ts';

type Side = 'PRODUCTION_DB_URL' | 'STAGING_DB_URL';
const sides = ['PRODUCTION_DB_URL', 'STAGING_DB_URL'] as const;

test('what can’t be reached or is not let in is a precondition, and says which side', async (t) => {
  await using scenario = await makeScenario();
  const { environment } = scenario;
  const word = (side: Side) => (side === 'PRODUCTION_DB_URL' ? 'production' : 'staging');

  for (const side of sides) {
    await t.test(`${side}: wrong password, tried once: some services lock an account out`, async () => {
      const { name, server } = side === 'PRODUCTION_DB_URL' ? scenario.production : scenario.staging;
      const username = `nobody_${name}`;
      await refused(scenario, edited(environment, side, { username, password: 'not-the-password' }), {
        exit: 3,
        code: 'login-refused',
        says: new RegExp(`\\(${word(side)} localhost:\\d+/.*\\)\nHINT: .*connection string`),
      });
      const log = await readFile(join(server.folder, 'server.log'), 'utf8');
      assert.equal(log.split(`authentication failed for user "${username}"`).length - 1, 1);
    });
    await t.test(`${side}: nobody listens`, async () => {
      // TCPMUX: a free port of our choice somebody else's server may take meanwhile.
      const port = '1';
      await refused(scenario, edited(environment, side, { port }), {
        exit: 3,
        code: 'host-unreachable',
        says: new RegExp(`\\(${word(side)} localhost:${port}/`),
      });
    });
    await t.test(`${side}: unknown host`, () =>
      refused(scenario, edited(environment, side, { hostname: 'db.nowhere.invalid' }), {
        exit: 3,
        code: 'host-unreachable',
        says: /db\.nowhere\.invalid/,
      }),
    );
    await t.test(`${side}: no such database`, () =>
      refused(scenario, edited(environment, side, { pathname: '/no_such_database' }), {
        exit: 3,
        code: 'database-missing',
        says: /no_such_database/,
      }),
    );
    await t.test(`${side}: another authority than the one that signed the server’s certificate`, async () => {
      const stranger = await openAuthority(join(await testFolder(), 'stranger'));
      const variable = side.replace('_URL', '_CA');
      await refused(
        scenario,
        { ...environment, [variable]: stranger.caPem },
        {
          exit: 3,
          code: 'tls-refused',
          says: new RegExp(`HINT: .*${variable}`),
        },
      );
    });
    await t.test(`${side}: no authority at all, so the system’s, who never heard of it`, async () => {
      const { [side.replace('_URL', '_CA')]: _, ...without } = environment;
      await refused(scenario, without, { exit: 3, code: 'tls-refused' });
    });
  }
  await t.test('--owner names no role', () =>
    refused(scenario, environment, { exit: 3, code: 'not-permitted', says: /there is no role nobody_here/ }, [
      '--owner',
      'nobody_here',
    ]),
  );
});

test('bad input is refused before anything is touched, all of it at once', async (t) => {
  await using scenario = await makeScenario();
  const { environment } = scenario;

  await t.test('sslmode=disable', () =>
    refused(scenario, edited(environment, 'STAGING_DB_URL', { search: '?sslmode=disable' }), {
      exit: 2,
      code: 'bad-url',
      says: /sslmode=disable .*\(STAGING_DB_URL\)/,
    }),
  );
  await t.test('no environment', async () => {
    const { PRODUCTION_DB_URL: _, STAGING_DB_URL: __, ...without } = environment;
    await refused(scenario, without, {
      exit: 2,
      code: 'bad-environment',
      says: /PRODUCTION_DB_URL: .*; STAGING_DB_URL: /,
    });
  });
  for (const flags of [
    ['--jobs', '0'],
    ['--jobs', 'many'],
    ['--keep-previous', '-1'],
    ['--lock-wait', '1.5'],
  ]) {
    await t.test(flags.join(' '), () =>
      refused(scenario, environment, { exit: 2, code: 'bad-flag', says: new RegExp(flags[0] ?? '') }, flags),
    );
  }
  await t.test('a flag and a URL', () =>
    refused(
      scenario,
      edited(environment, 'STAGING_DB_URL', { search: '?sslmode=prefer' }),
      { exit: 2, code: 'bad-flag', says: /--jobs: .*; STAGING_DB_URL: / },
      ['--jobs', '0'],
    ),
  );
  await t.test('a flag that does not exist, and a command that does not', async () => {
    for (const flags of [['--no-such-flag'], ['surplus']]) {
      const { code, stderr } = await leavingStagingAlone(scenario, () => runEngine(environment, flags));
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^refresh: bad-flag: .*\n[\s\S]*HINT: .*--help/);
    }
  });
});

test('the same database is recognised under any name, another one of the same server is not it', async (t) => {
  await using scenario = await makeScenario();
  const { production, environment } = scenario;
  const { app } = await servers();
  const itself = {
    ...environment,
    STAGING_DB_URL: production.url('doadmin'),
    STAGING_DB_CA: environment.PRODUCTION_DB_CA ?? '',
  };
  await t.test('by the same host name', () =>
    refused(scenario, itself, { exit: 3, code: 'same-database', says: /HINT: create a database of its own/ }),
  );
  await t.test('by another host name', () =>
    refused(scenario, edited(itself, 'PRODUCTION_DB_URL', { hostname: '127.0.0.1' }), {
      exit: 3,
      code: 'same-database',
    }),
  );
  await t.test('a neighbour is refreshed, with a warning', async () => {
    const name = `neighbour_of_${production.name}`;
    await as('postgres', production, (session) =>
      session.query(`create database "${name}" owner ${app.user}`),
    );
    const neighbour = edited(itself, 'STAGING_DB_URL', { pathname: `/${name}` });
    const { report } = await expectRun(neighbour, ['--keep-previous', '0']);
    assert.match(report.warnings.join('\n'), /two databases of one server/);
    const { rows } = await as('postgres', { server: production.server, name }, (session) =>
      session.query('select count(*)::int as count from orders'),
    );
    assert.deepEqual(rows, [{ count: 2000 }]);
    await as('postgres', production, (session) => session.query(`drop database "${name}" with (force)`));
  });
});

test('a database that can’t be renamed is refused', async (t) => {
  await using scenario = await makeScenario();
  for (const name of ['defaultdb', 'postgres']) {
    await t.test(name, () =>
      refused(scenario, edited(scenario.environment, 'STAGING_DB_URL', { pathname: `/${name}` }), {
        exit: 3,
        code: 'protected-database',
        says: /HINT: create a database of the application’s own/,
      }),
    );
  }
});

test('a role of staging that may not make databases is refused, with the ALTER ROLE', async () => {
  await using scenario = await makeScenario();
  const { app } = await servers();
  const environment = edited(scenario.environment, 'STAGING_DB_URL', {
    username: app.user,
    password: app.password,
  });
  await refused(scenario, environment, {
    exit: 3,
    code: 'not-permitted',
    says: /may not create databases[\s\S]*HINT: .*ALTER ROLE "app" CREATEDB/,
  });
});

test('what production’s role can’t read is named, with the GRANT', async (t) => {
  await using scenario = await makeScenario();
  const { production } = scenario;
  const weak = { user: `weak_${production.name}`, password: 'weak-password' };
  await createUser(production.server, weak.user, weak.password);
  await as('app', production, (session) =>
    session.query(`create schema closed; create table closed.secret (id int);
      grant select on all tables in schema public to "${weak.user}";
      grant select on all sequences in schema public to "${weak.user}"`),
  );
  const environment = edited(scenario.environment, 'PRODUCTION_DB_URL', {
    username: weak.user,
    password: weak.password,
  });
  const unreadable = (says: RegExp) =>
    refused(scenario, environment, { exit: 3, code: 'unreadable-objects', says });

  await t.test('a schema without USAGE', () =>
    unreadable(/closed\.secret \(no USAGE on its schema\)[\s\S]*HINT: .*GRANT pg_read_all_data TO "weak_/),
  );
  await as('app', production, (session) => session.query(`grant usage on schema closed to "${weak.user}"`));
  await t.test('a table without SELECT', () => unreadable(/cannot read closed\.secret \(no SELECT\)/));
  await as('app', production, (session) =>
    session.query(`grant select on closed.secret to "${weak.user}";
      alter table orders enable row level security;
      create policy mine on orders using (customer = 1)`),
  );
  await t.test('row level security', () =>
    unreadable(/cannot read public\.orders \(row level security\)[\s\S]*HINT: .*BYPASSRLS/),
  );
  await as('postgres', production, (session) =>
    session.query(`alter role "${weak.user}" bypassrls; select lo_from_bytea(0, 'x')`),
  );
  await t.test('a large object', () => unreadable(/cannot read 1 large objects \(no SELECT\)/));
  await as('postgres', production, (session) =>
    session.query('select lo_unlink(oid) from pg_largeobject_metadata'),
  );
  await t.test('nothing is in the way any more', () => expectRun(environment).then(() => undefined));
  await as('postgres', production, (session) =>
    session.query(`drop owned by "${weak.user}"; drop role "${weak.user}"`),
  );
});

/** The run has to fail in this way, staging and production have to be as they were. */
async function refused(
  scenario: Scenario,
  environment: Record<string, string>,
  expected: { exit: number; code: string; says?: RegExp },
  flags: readonly string[] = [],
): Promise<void> {
  await leavingStagingAlone(scenario, () => expectFailure(environment, expected, flags));
}

/** The same environment with another part of one URL. */
function edited(
  environment: Record<string, string>,
  side: Side,
  parts: Partial<URL>,
): Record<string, string> {
  const url = new URL(environment[side] ?? '');
  Object.assign(url, parts);
  return { ...environment, [side]: url.href };
}
