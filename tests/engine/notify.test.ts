import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command } from '../commands/command.ts';
import { startService, startWeb } from '../digitalocean/service.ts';
import { expectFailure, expectRun, runEngine } from '../support/engine.ts';
import { makeScenario, smallProduction } from '../support/scenario.ts';

test('success, for Slack: what was copied, the latest managed backup, the log’s address', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  const web = await startWeb(t);
  const { report, stderr } = await expectRun({
    ...service.environment,
    REFRESH_NOTIFY_URL: `${web.url}/services/T0/hush`,
    GITHUB_SERVER_URL: 'https://github.example',
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_RUN_ID: '77',
  });
  assert.equal(web.received.length, 1);
  const message = JSON.parse(web.received[0]?.body ?? '');
  assert.deepEqual(Object.keys(message), ['text']);
  assert.match(message.text, /Staging has production’s data: localhost\/stag_/);
  assert.match(message.text, /2 tables, 2,050 rows/);
  assert.match(message.text, /Latest DigitalOcean backup: \d{4}-/);
  assert.match(message.text, /<https:\/\/github\.example\/acme\/shop\/actions\/runs\/77\|/);
  assert.equal(report.managedBackup?.cluster, 'shop-production');
  assert.equal(report.managedBackup?.count, 7);
  assert.match(stderr, /DigitalOcean’s backups: the latest of 7 is from/);
  for (const said of [stderr, JSON.stringify(report)])
    assert.ok(!said.includes('hush'), 'the address is a secret');
});

test('failure, as JSON: the code and not the words of PostgreSQL, which may quote a row', async (t) => {
  await using scenario = await makeScenario(`
    ${smallProduction}
    create function refuse(note text) returns boolean language plpgsql as $$
      begin
        if current_database() like '%\\_\\_next\\_%' then raise exception 'no place for %', note; end if;
        return true;
      end $$;
    create table notes (note text check (refuse(note)));
    insert into notes values ('4111-1111');`);
  const web = await startWeb(t);
  const environment = { ...scenario.environment, REFRESH_NOTIFY_URL: web.url };
  const { code, stderr } = await runEngine(environment, ['--notify-format', 'json']);
  assert.equal(code, 4, stderr);
  assert.match(stderr, /what is computed of a row failed/, 'PostgreSQL’s own words quote the row');
  assert.ok(!stderr.includes('4111'));
  const [received] = web.received;
  const facts = JSON.parse(received?.body ?? '');
  assert.equal(facts.event, 'refresh.failed');
  assert.equal(facts.exitCode, 4);
  assert.deepEqual(Object.keys(facts.error), ['code']);
  assert.ok(!received?.body.includes('4111'));
  assert.equal(received?.headers['content-type'], 'application/json');
});

test('a precondition is told with its hint', async (t) => {
  await using scenario = await makeScenario();
  const web = await startWeb(t);
  const environment = {
    ...scenario.environment,
    REFRESH_NOTIFY_URL: web.url,
    STAGING_DB_URL: String(scenario.environment.STAGING_DB_URL).replace(/\/[^/?]+(\?|$)/, '/nowhere$1'),
  };
  await expectFailure(environment, { exit: 3, code: 'database-missing' });
  const { text } = JSON.parse(web.received[0]?.body ?? '');
  assert.match(text, /❌ .*is as it was/);
  assert.match(text, /database-missing: .*nowhere.*\nHint: /);
});

test('a webhook that stumbles is tried again; one that is gone costs an exit code, not the refresh', async (t) => {
  await using scenario = await makeScenario();
  const stumbling = await startWeb(t, [{ status: 503 }, { status: 429 }, { status: 200 }]);
  await expectRun({ ...scenario.environment, REFRESH_NOTIFY_URL: stumbling.url });
  assert.equal(stumbling.received.length, 3);
  const gone = await startWeb(t, [{ status: 404 }]);
  const url = `${gone.url}/services/hush`;
  const { code, report, stderr } = await runEngine({ ...scenario.environment, REFRESH_NOTIFY_URL: url });
  assert.equal(code, 6, stderr);
  assert.equal(report?.outcome, 'published');
  assert.equal(gone.received.length, 1, 'repeating does not help');
  assert.match(report?.warnings.join() ?? '', /nobody was notified: the webhook answered 404/);
  assert.ok(!stderr.includes('hush'));
});

test('the beginning is told on request; a webhook that is silent then stops nothing', async (t) => {
  await using scenario = await makeScenario();
  const web = await startWeb(t, [{ status: 404 }, { status: 200 }]);
  const environment = { ...scenario.environment, REFRESH_NOTIFY_URL: web.url };
  const { report } = await expectRun(environment, ['--notify-start', '--notify-format', 'json']);
  assert.deepEqual(
    web.received.map(({ body }) => JSON.parse(body).event),
    ['refresh.started', 'refresh.succeeded'],
  );
  assert.match(report.warnings.join(), /the webhook answered 404/);
});

test('bad settings of the notification are bad input', async () => {
  await using scenario = await makeScenario();
  const plain = { ...scenario.environment, REFRESH_NOTIFY_URL: 'http://hooks.example/hush' };
  const { stderr } = await expectFailure(plain, {
    exit: 2,
    code: 'bad-environment',
    says: /REFRESH_NOTIFY_URL/,
  });
  assert.ok(!stderr.includes('hush'));
  await expectFailure(scenario.environment, { exit: 2, code: 'bad-flag' }, ['--notify-format', 'xml']);
});

test('a wrong cluster id stops the run, an API that is down does not, and no API is said', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  const wrong = { ...service.environment, PROD_DB_CLUSTER_ID: '00000000-0000-4000-8000-000000000000' };
  await expectFailure(wrong, { exit: 3, code: 'api-refused', says: /no cluster 00000000/ });
  const dead = { ...service.environment, DO_API_TOKEN: 'dead' };
  await command(dead, ['plan'], { exit: 3, says: /^refresh: api-refused: .*does not know the token/m });
  const down = await startWeb(t, [{ status: 503 }]);
  const without = await expectRun({ ...service.environment, DO_API_URL: down.url });
  assert.match(without.report.warnings.join(), /skipped: DigitalOcean’s backups of production/);
  assert.equal(without.report.managedBackup, null);
  assert.match((await expectRun(scenario.environment)).stderr, /skipped: .*DO_API_TOKEN is not set/);
});

test('no room on staging’s disk is refused with the arithmetic', async (t) => {
  await using scenario = await makeScenario();
  const cluster = { id: 'x', name: 'shop-staging', engine: 'pg', storage_size_mib: 9 };
  const web = await startWeb(t, [{ body: JSON.stringify({ database: cluster, dbs: [], backups: [] }) }]);
  const environment = {
    ...scenario.environment,
    DO_API_URL: web.url,
    DO_API_TOKEN: 'token',
    PROD_DB_CLUSTER_ID: '00000000-0000-4000-8000-000000000001',
    STAGING_DB_CLUSTER_ID: '00000000-0000-4000-8000-000000000002',
  };
  const says = /in use \+ up to [\d.]+ MB for the next database, of 9\.4 MB/;
  await expectFailure(environment, { exit: 3, code: 'no-room', says });
  await command(environment, ['plan'], { exit: 3, says });
});
