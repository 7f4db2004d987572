import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import { openAuthority } from '../../scripts/local/certificates.ts';
import { connectionUrl, createServer, type LocalServer, removeServer } from '../../scripts/local/server.ts';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { expectFailure, expectRun } from '../support/engine.ts';
import { column, policyFlags } from '../support/policy.ts';
import { as, leavingStagingAlone, makeScenario, smallProduction } from '../support/scenario.ts';
import { servers, testFolder } from '../support/servers.ts';
import { becomeStandby } from '../support/standby.ts';

/** As many subtransactions as make a replica forget them; another transaction's commit writes them to the WAL. */
async function crashWithin(server: LocalServer): Promise<void> {
  const login = superuser(server);
  await withSession(server, login, 'defaultdb', async (session) => {
    session.on('error', () => undefined);
    await session.query(`begin; do $$ begin
      for number in 1..100 loop
        begin insert into customers (name) values ('lost'); exception when others then null; end;
      end loop; end $$`);
    await withSession(server, login, 'defaultdb', (other) => other.query('create table committed ()'));
    await becomeStandby(server, 'crash');
  });
}

test('of a production that is a replica, what is UNLOGGED is made without content, which is told, and staging’s own rows stay', async () => {
  await using scenario = await makeScenario();
  const { tools } = await servers();
  const folder = await testFolder();
  const authority = await openAuthority(join(folder, 'authority'));
  const settings = { fsync: 'off', shared_buffers: '32MB' };
  const server = await createServer({
    name: 'replica',
    folder: join(folder, 'replica'),
    tools,
    authority,
    settings,
  });
  try {
    const login = superuser(server);
    await withSession(server, login, 'defaultdb', (session) =>
      session.query(`
        ${smallProduction}
        create unlogged table sessions (id integer generated always as identity primary key, email text);
        create unlogged table kept (id integer primary key, customer integer references customers);
        insert into sessions (email) values ('a@example.com'); insert into kept values (1, 1)`),
    );
    await becomeStandby(server);
    await as('app', scenario.staging, (session) =>
      session.query('create table kept (id integer primary key); insert into kept values (7)'),
    );
    const environment = {
      ...scenario.environment,
      [environmentName.productionUrl]: connectionUrl(server, login.user, login.password, 'defaultdb'),
      [environmentName.productionCa]: readFileSync(server.caFile, 'utf8'),
    };
    const policy = await policyFlags(`version: 1
tables:
  public.customers: { mask: { name: { fixed: x } } }
  public.kept: { treatment: preserve }
  public.sessions: { where: id > 0, mask: { email: { fixed: x } } }`);
    const { report } = await expectRun(environment, ['--rehearse', '--verify', 'checksums', ...policy]);
    assert.deepEqual(
      report.leftOut.map(({ object }) => object),
      [
        'rows of UNLOGGED TABLE public.kept',
        'rows of UNLOGGED TABLE public.sessions',
        'position of UNLOGGED SEQUENCE public.sessions_id_seq',
      ],
    );
    const rows = `select format('%s %s', (select count(*) from orders), (select string_agg(id::text, ' ') from kept))
      union all select count(*)::text from sessions`;
    assert.deepEqual(await column(scenario.staging, rows), ['2000 7', '0']);

    // See stages/snapshot/replica.ts: what is refused here spoils a replica of a server before November 2026.
    const affected = await withSession(server, login, 'defaultdb', async (session) => {
      await session.query('select pg_promote()');
      const { rows } = await session.query(
        `select current_setting('server_version_num')::int < 170012 as affected`,
      );
      return rows[0].affected;
    });
    if (!affected) return;
    await crashWithin(server);
    const refusal = {
      exit: 3,
      code: 'version-unsupported',
      says: /a replica with PostgreSQL .* many savepoints/,
    };
    await leavingStagingAlone(scenario, () =>
      expectFailure(environment, refusal, ['--lock-wait', '1', '--policy', 'none']),
    );
  } finally {
    await removeServer(server);
  }
});
