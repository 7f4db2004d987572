import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import { connectionUrl } from '../../scripts/local/server.ts';
import { contentOf } from '../support/content.ts';
import { expectFailure, expectRun } from '../support/engine.ts';
import { as, leavingStagingAlone, makeScenario, type Scenario } from '../support/scenario.ts';

const quickly = ['--no-artifact', '--lock-wait', '1'];

test('a prepared transaction that is in the way is named, with what ends it', async (t) => {
  await using scenario = await makeScenario();
  const { production, staging, environment } = scenario;
  const cases = [
    {
      where: 'in production, with a lock',
      database: production,
      change: 'alter table customers add column note text',
      flags: quickly,
      code: 'table-locked',
      says: 'production table public\\.customers',
    },
    {
      where: 'in staging, which can’t be renamed',
      database: staging,
      change: `insert into old_staging values ('in doubt')`,
      flags: quickly,
      code: 'not-permitted',
      says: 'prepared transactions are open in it',
    },
    {
      where: 'in staging in place, with a lock',
      database: staging,
      change: `insert into old_staging values ('in doubt')`,
      flags: [...quickly, '--strategy', 'in-place'],
      code: 'table-locked',
      says: 'staging table public\\.old_staging',
    },
  ];
  for (const { where, database, change, flags, code, says } of cases) {
    await t.test(where, async () => {
      const gid = `it's ${database.name}`;
      await as('app', database, async (session) => {
        const name = session.escapeLiteral(gid);
        await session.query(`begin; ${change}`);
        await session.query(`prepare transaction ${name}`);
        try {
          await expectFailure(
            environment,
            { exit: 3, code, says: new RegExp(`${says}[\\s\\S]*HINT: .*COMMIT PREPARED ${name};`) },
            flags,
          );
        } finally {
          await session.query(`rollback prepared ${name}`);
        }
      });
    });
  }
  await expectRun(environment, quickly);
});

test('a staging that subscribes to another server is refused before anything is made', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  await as('postgres', staging, (session) =>
    session.query(`create subscription "of others" connection 'host=nowhere.example' publication p
      with (connect = false, slot_name = none)`),
  );
  try {
    for (const strategy of ['swap', 'in-place']) {
      const expected = {
        exit: 3,
        code: 'not-permitted',
        says: /subscribes to another server: of others[\s\S]*HINT: .*DROP SUBSCRIPTION "of others"; first/,
      };
      await leavingStagingAlone(scenario, () =>
        expectFailure(environment, expected, ['--strategy', strategy]),
      );
    }
  } finally {
    await as('postgres', staging, (session) => session.query('drop subscription "of others"'));
  }
});

test('what an administrator has set for our roles, and for production’s whole database, is in nobody’s way', async () => {
  await using scenario = await makeScenario();
  await using roles = await makeRoles(scenario);
  const { production, staging, environment } = scenario;
  const asOurs = { ...environment, ...roles.environment };
  await as('postgres', production, (session) =>
    session.query(`
      alter role ${roles.name} set default_transaction_isolation = 'serializable';
      alter role ${roles.name} set default_transaction_deferrable = on;
      alter database "${production.name}" set role = 'app'`),
  );
  await as('postgres', staging, (session) =>
    session.query(`alter role ${roles.name} set default_transaction_read_only = on`),
  );
  await as('app', production, async (writer) => {
    // Whoever is serializable, read only and deferrable waits for its end.
    await writer.query(
      `begin isolation level serializable; update customers set name = 'other' where id = 1`,
    );
    const { report } = await expectRun(asOurs, ['--no-artifact', '--jobs', '2']);
    await writer.query('rollback');
    assert.ok(report.warnings.includes('setting role is left out: the refresh itself would be app'));
  });
  assert.deepEqual(await contentOf(staging), await contentOf(production));

  await as('postgres', { ...production, name: 'postgres' }, (session) =>
    session.query(`alter role ${roles.name} connection limit 5`),
  );
  await leavingStagingAlone(scenario, () =>
    expectFailure(
      asOurs,
      {
        exit: 3,
        code: 'too-many-connections',
        says: /with 2 jobs a run needs 6 connections, and 5 are left for our role \(production server\)/,
      },
      ['--no-artifact', '--jobs', '2'],
    ),
  );
});

test('a database that does something at each login, and fails at it, is said to do so', async (t) => {
  await using scenario = await makeScenario();
  const { production, environment } = scenario;
  const old = await as('postgres', production, async (session) => {
    const { rows } = await session.query(
      `select 1 where current_setting('server_version_num')::int < 170000`,
    );
    return rows.length > 0;
  });
  if (old) return t.skip('login event triggers came with PostgreSQL 17');
  await as('postgres', production, (session) =>
    session.query(`
      create table logins (who text);
      create function note_login() returns event_trigger language plpgsql security definer as
        $$ begin insert into public.logins values (session_user); end $$;
      create event trigger note_login on login execute function note_login()`),
  );
  await expectFailure(environment, {
    exit: 3,
    code: 'login-refused',
    says: /a login event trigger of that database failed: cannot execute INSERT in a read-only transaction[\s\S]*HINT: .*evtevent = 'login'/,
  });
});

/** A reader in production and an administrator in staging of a test's own, with the same name. */
async function makeRoles({ production, staging }: Scenario) {
  const name = `ours_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const make = (rights: string) => `create role ${name} login password '${password}' ${rights}`;
  await as('postgres', production, (session) =>
    session.query(make('bypassrls in role pg_read_all_data, app')),
  );
  await as('postgres', staging, (session) => session.query(make('createdb in role app, pg_signal_backend')));
  return {
    name,
    environment: {
      [environmentName.productionUrl]: connectionUrl(production.server, name, password, production.name),
      [environmentName.stagingUrl]: connectionUrl(staging.server, name, password, staging.name),
    },
    async [Symbol.asyncDispose]() {
      // What it owns in this test's databases goes with them.
      for (const { server } of [production, staging])
        await as('postgres', { server, name: 'postgres' }, (session) =>
          session.query(
            `alter role ${name} reset all; alter role ${name} rename to ${name}_gone; alter role ${name}_gone nologin`,
          ),
        );
    },
  };
}
