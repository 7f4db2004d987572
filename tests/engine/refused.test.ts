import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuthority } from '../../scripts/local/certificates.ts';
import { freePort } from '../../scripts/local/loopback-port.ts';
import { createUser } from '../../scripts/local/roles.ts';
import { edited, type Side } from '../support/edited-url.ts';
import { type EngineResult, expectFailure, expectRun, runEngine } from '../support/engine.ts';
import {
  as,
  leavingStagingAlone,
  leavingStagingAloneThroughout,
  makeScenario,
  type Scenario,
} from '../support/scenario.ts';
import { servers, testFolder } from '../support/servers.ts';

const sides = ['PRODUCTION_DB_URL', 'STAGING_DB_URL'] as const;

test('what can’t be reached or is not let in is a precondition, and says which side', async (t) => {
  await using scenario = await makeScenario();
  const { environment } = scenario;
  const word = (side: Side) => (side === 'PRODUCTION_DB_URL' ? 'production' : 'staging');

  await refusedThroughout(scenario, async (refused) => {
    for (const side of sides) {
      await t.test(`${side}: wrong password`, () =>
        refused(edited(environment, side, { password: 'not-the-password' }), {
          exit: 3,
          code: 'login-refused',
          says: new RegExp(`\\(${word(side)} localhost:\\d+/.*\\)\nHINT: .*connection string`),
        }),
      );
      await t.test(`${side}: nobody listens`, async () => {
        const port = String(await freePort());
        await refused(edited(environment, side, { port }), {
          exit: 3,
          code: 'host-unreachable',
          says: new RegExp(`\\(${word(side)} localhost:${port}/`),
        });
      });
      await t.test(`${side}: unknown host`, () =>
        refused(edited(environment, side, { hostname: 'db.nowhere.invalid' }), {
          exit: 3,
          code: 'host-unreachable',
          says: /db\.nowhere\.invalid/,
        }),
      );
      await t.test(`${side}: no such database`, () =>
        refused(edited(environment, side, { pathname: '/no_such_database' }), {
          exit: 3,
          code: 'database-missing',
          says: /no_such_database/,
        }),
      );
      await t.test(
        `${side}: another authority than the one that signed the server’s certificate`,
        async () => {
          const stranger = await openAuthority(join(await testFolder(), 'stranger'));
          const variable = side.replace('_URL', '_CA');
          await refused(
            { ...environment, [variable]: stranger.caPem },
            {
              exit: 3,
              code: 'tls-refused',
              says: new RegExp(`HINT: .*${variable}`),
            },
          );
        },
      );
      await t.test(`${side}: no authority at all, so the system’s, who never heard of it`, async () => {
        const { [side.replace('_URL', '_CA')]: _, ...without } = environment;
        await refused(without, { exit: 3, code: 'tls-refused' });
      });
    }
  });
});

test('bad input is refused before anything is touched, all of it at once', async (t) => {
  await using scenario = await makeScenario();
  const { environment } = scenario;

  await refusedThroughout(scenario, async (refused, at) => {
    await t.test('sslmode=disable', () =>
      refused(edited(environment, 'STAGING_DB_URL', { search: '?sslmode=disable' }), {
        exit: 2,
        code: 'bad-url',
        says: /sslmode=disable .*\(STAGING_DB_URL\)/,
      }),
    );
    await t.test('no environment', async () => {
      const { PRODUCTION_DB_URL: _, STAGING_DB_URL: __, ...without } = environment;
      await refused(without, {
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
        refused(environment, { exit: 2, code: 'bad-flag', says: new RegExp(flags[0] ?? '') }, flags),
      );
    }
    await t.test('a flag and a URL', () =>
      refused(
        edited(environment, 'STAGING_DB_URL', { search: '?sslmode=prefer' }),
        { exit: 2, code: 'bad-flag', says: /--jobs: .*; STAGING_DB_URL: / },
        ['--jobs', '0'],
      ),
    );
    await t.test('a flag that does not exist, and a command that does not', async () => {
      for (const flags of [['--no-such-flag'], ['surplus']]) {
        const { code, stderr } = await at(() => runEngine(environment, flags));
        assert.equal(code, 2, stderr);
        assert.match(stderr, /^refresh: bad-flag: .*\n[\s\S]*HINT: .*--help/);
      }
    });
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

type Refused = (
  environment: Record<string, string>,
  expected: { exit: number; code: string; says?: RegExp },
  flags?: readonly string[],
) => Promise<void>;

/** Each run has to fail in its way; staging and production have to be as they were after all of them. */
async function refusedThroughout(
  scenario: Scenario,
  work: (
    refused: Refused,
    run: (work: () => Promise<EngineResult>) => Promise<EngineResult>,
  ) => Promise<void>,
): Promise<void> {
  await leavingStagingAloneThroughout(scenario, (run) =>
    work(async (environment, expected, flags = []) => {
      await run(() => expectFailure(environment, expected, flags));
    }, run),
  );
}

/** The run has to fail in this way, staging and production have to be as they were. */
async function refused(
  scenario: Scenario,
  environment: Record<string, string>,
  expected: { exit: number; code: string; says?: RegExp },
  flags: readonly string[] = [],
): Promise<void> {
  await leavingStagingAlone(scenario, () => expectFailure(environment, expected, flags));
}
