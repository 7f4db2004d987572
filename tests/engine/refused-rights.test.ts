import { test } from 'node:test';
import { createUser } from '../../scripts/local/roles.ts';
import { edited } from '../support/edited-url.ts';
import { expectFailure, expectRun } from '../support/engine.ts';
import { as, leavingStagingAlone, makeScenario, type Scenario } from '../support/scenario.ts';
import { servers } from '../support/servers.ts';

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
