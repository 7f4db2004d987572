import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { office, startService } from '../digitalocean/service.ts';
import { expectRun } from '../support/engine.ts';
import { as, makeScenario } from '../support/scenario.ts';
import { servers, testFolder } from '../support/servers.ts';
import { doctor, doctorInWords, edited } from './diagnosis.ts';

test('a healthy pair: everything is looked at, and nothing is changed', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  for (const id of [service.productionId, service.stagingId]) await service.save(id, [office]);
  await service.writes();
  const { code, of, text } = await doctor(service.environment);
  assert.equal(code, 0, text);
  for (const id of [
    'versions',
    'login',
    'tls',
    'pooler',
    'network',
    'permissions',
    'disk',
    'duration',
    'extensions',
    'locks',
    'same-database',
    'staging-database',
    'managed-backups',
    'leftovers',
    'settings',
  ]) {
    assert.equal(of(id).status, 'ok', JSON.stringify(of(id)));
  }
  assert.match(of('network').found, /production: 1 trusted source$/m);
  assert.match(of('versions').found, /pg_dump 17/);
  assert.match(of('disk').found, /staging: [\d.]+ MB in use \+ up to/);
  assert.deepEqual(await service.writes(), []);
});

test('in words: a mark, the number of the problem, what was found', async () => {
  await using scenario = await makeScenario();
  const { code, stdout } = await doctorInWords(scenario.environment);
  assert.equal(code, 0);
  assert.match(stdout, /^- 1 Cluster ids and the API token\n {6}DO_API_TOKEN is not set/m);
  assert.match(stdout, /^✔ 8 Two different databases$/m);
  assert.match(stdout, /\n\n0 failed, \d+ warnings, \d+ skipped, \d+ ok\n$/);
});

test('problem 1: a cluster id that is wrong, with those that the token sees; a token that is none', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  const other = '00000000-0000-4000-8000-000000000000';
  const wrong = await doctor({ ...service.environment, PROD_DB_CLUSTER_ID: other });
  assert.equal(wrong.code, 3);
  assert.equal(wrong.of('cluster').status, 'failed');
  assert.match(
    wrong.of('cluster').found,
    new RegExp(`no cluster ${other}; .*shop-production \\(${service.productionId}\\)`),
  );
  assert.equal(wrong.of('permissions').status, 'ok', 'one failure does not hide the others');
  const name = await doctor({ ...service.environment, STAGING_DB_CLUSTER_ID: 'shop-staging' });
  assert.match(name.of('cluster').found, /STAGING_DB_CLUSTER_ID is no UUID/);
  const stranger = await doctor({ ...service.environment, DO_API_TOKEN: 'a-stranger' });
  assert.match(stranger.of('cluster').found, /does not know the token/);
  assert.ok(!stranger.text.includes('a-stranger'));
});

test('problem 2: client programs that are not there', async () => {
  await using scenario = await makeScenario();
  const { code, of } = await doctor({ ...scenario.environment, PG_BINDIR: '/nowhere' });
  assert.equal(code, 3);
  assert.match(of('versions').repair ?? '', /postgresql-client-17/);
});

test('problems 3 and 4: nobody answers, a wrong password, a password that is not encoded, no URL', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  const silent = await doctor(edited(service, 'STAGING_DB_URL', (url) => (url.port = '1')));
  assert.equal(silent.code, 3);
  assert.equal(silent.of('network').status, 'failed');
  assert.match(silent.of('network').repair ?? '', new RegExp(`databases/${service.stagingId}/settings`));
  assert.match(silent.of('tls').found, /production: the certificate .*\nstaging: not reached/);
  const password = await doctor(edited(scenario, 'PRODUCTION_DB_URL', (url) => (url.password = 'wrong')));
  assert.equal(password.of('login').status, 'failed');
  assert.equal(password.of('network').status, 'ok');
  assert.match(password.of('login').repair ?? '', /update the secret PRODUCTION_DB_URL/);
  const raw = await doctor({
    ...scenario.environment,
    PRODUCTION_DB_URL: 'postgresql://u:50%off@localhost/shop',
  });
  assert.match(raw.of('login').repair ?? '', /encode a literal % as %25/);
  assert.equal(raw.of('settings').status, 'failed');
  const { STAGING_DB_URL: _, ...without } = scenario.environment;
  const missing = await doctor(without);
  assert.match(missing.of('login').found, /staging: it is not set \(STAGING_DB_URL\)/);
  assert.equal(missing.code, 2, 'what can’t be read is bad input, as of run');
  const odd = await doctor(without, ['--strategy', 'inplace']);
  assert.match(odd.of('settings').found, /did you mean in-place\?/);
});

test('TLS: an authority that nobody knows', async () => {
  await using scenario = await makeScenario();
  const { PRODUCTION_DB_CA: _, ...without } = scenario.environment;
  const { code, of } = await doctor(without);
  assert.equal(code, 3);
  assert.equal(of('tls').status, 'failed');
  assert.match(of('tls').repair ?? '', /PRODUCTION_DB_CA/);
  assert.equal(of('network').status, 'ok');
});

test('problem 5: rights that are missing, and rights that nobody needs, each with the SQL', async () => {
  await using scenario = await makeScenario();
  const { app } = await servers();
  const asApp = (url: URL) => {
    url.username = app.user;
    url.password = app.password;
  };
  const owner = await doctor(edited(scenario, 'PRODUCTION_DB_URL', asApp));
  assert.equal(owner.code, 0);
  assert.equal(owner.of('permissions').status, 'warning');
  assert.match(owner.of('permissions').found, /app can do more than read: write to 2 tables/);
  // The SQL is followed to the letter, and the role that it makes is the right one.
  const [administrators = '', owners = ''] = String(owner.of('permissions').repair)
    .replace(/^.*\n/, '')
    .replace('…', 'hush')
    .split('-- where that last one is refused, as the owner of the tables:');
  const refused = 'GRANT pg_read_all_data TO "refresh_reader";';
  assert.ok(administrators.includes(refused));
  await as('doadmin', scenario.production, (session) => session.query(administrators.replace(refused, '')));
  await as('app', scenario.production, (session) => session.query(owners));
  try {
    const asReader = (url: URL) => {
      url.username = 'refresh_reader';
      url.password = 'hush';
    };
    const reader = await doctor(edited(scenario, 'PRODUCTION_DB_URL', asReader));
    assert.equal(reader.of('permissions').status, 'ok', JSON.stringify(reader.of('permissions')));
  } finally {
    await as('postgres', scenario.production, (session) =>
      session.query('drop owned by refresh_reader; drop role refresh_reader'),
    );
  }
  const plain = await doctor(edited(scenario, 'STAGING_DB_URL', asApp));
  assert.equal(plain.code, 3);
  assert.match(plain.of('permissions').found, /staging: the role may not create databases/);
  assert.match(plain.of('permissions').repair ?? '', /doadmin/);
});

test('the doctor looks at what staging’s role may do, and grants nothing', async () => {
  await using scenario = await makeScenario();
  const { staging } = scenario;
  // One that no run has granted itself yet, though its maker may.
  const owner = `owner_of_${staging.name}`;
  await as('doadmin', staging, (session) => session.query(`create role ${owner}`));
  await as('postgres', staging, (session) =>
    session.query(`alter database ${staging.name} owner to ${owner}`),
  );
  const members = () =>
    as('postgres', staging, async (session) => {
      const { rows } = await session.query(
        `select member::regrole::text, admin_option, inherit_option, set_option from pg_auth_members
          where roleid = '${owner}'::regrole order by oid`,
      );
      return rows;
    });
  const before = await members();
  const { of } = await doctor(scenario.environment);
  assert.equal(of('permissions').status, 'ok', JSON.stringify(of('permissions')));
  assert.deepEqual(await members(), before);
  await as('postgres', staging, (session) =>
    session.query(`alter database ${staging.name} owner to app; drop role ${owner}`),
  );
});

test('problem 7: the estimate follows the last refresh, and the time limit', async () => {
  await using scenario = await makeScenario();
  const { report } = await expectRun(scenario.environment);
  const file = join(await testFolder(), 'last.json');
  await writeFile(file, JSON.stringify(report));
  const quick = await doctor(scenario.environment, ['--report', file]);
  assert.match(quick.of('duration').found, /the last refresh took/);
  await writeFile(file, JSON.stringify({ ...report, seconds: 3500 }));
  const slow = await doctor(scenario.environment, ['--report', file, '--timeout-minutes', '60']);
  assert.equal(slow.of('duration').status, 'warning');
  assert.match(slow.of('duration').repair ?? '', /timeoutMinutes/);
  assert.equal(slow.code, 0);
});

test('problem 8: one database under two names, and one server', async () => {
  await using scenario = await makeScenario();
  const { production } = scenario;
  const environment = {
    ...scenario.environment,
    STAGING_DB_URL: production.url('doadmin').replace('localhost', '127.0.0.1'),
    STAGING_DB_CA: String(scenario.environment.PRODUCTION_DB_CA),
  };
  const { code, of } = await doctor(environment);
  assert.equal(code, 3);
  assert.equal(of('same-database').status, 'failed', JSON.stringify(of('same-database')));
  assert.match(of('same-database').repair ?? '', /STAGING_DB_URL/);
});

test('--fix removes what dead runs have left, and nothing else', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  const rule = (value: string, until: string) => ({
    type: 'ip_addr',
    value,
    description: `staging-refresh 20200101T000000_1a2b until ${until}`,
  });
  const old = rule('203.0.113.7', '2020-01-01T06:00:00.000Z');
  const living = rule('203.0.113.8', '2099-01-01T06:00:00.000Z');
  await service.save(service.productionId, [office, old, living]);
  const told = await doctor(service.environment);
  assert.equal(told.code, 3);
  assert.equal(told.of('leftovers').status, 'failed');
  assert.equal(told.of('leftovers').found.split('\n')[0], 'production: ip_addr 203.0.113.7');
  assert.match(told.of('leftovers').repair ?? '', /doctor --fix/);
  assert.equal((await service.list(service.productionId)).length, 3);
  const fixed = await doctor(service.environment, ['--fix']);
  assert.equal(fixed.code, 0, JSON.stringify(fixed.of('leftovers')));
  assert.match(fixed.of('leftovers').found, /removed ip_addr 203\.0\.113\.7/);
  assert.deepEqual(await service.list(service.productionId), [
    'ip_addr 198.51.100.0/24',
    'ip_addr 203.0.113.8',
  ]);
  await service.save(service.stagingId, [old]);
  const last = await doctor(service.environment, ['--fix']);
  assert.equal(last.code, 3);
  assert.match(
    last.of('leftovers').found,
    /staging: ip_addr 203\.0\.113\.7; .*it is the last trusted source/,
  );
  assert.deepEqual(await service.list(service.stagingId), ['ip_addr 203.0.113.7']);
});
