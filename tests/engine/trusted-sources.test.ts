import assert from 'node:assert/strict';
import { test } from 'node:test';
import { office, startService, startWeb } from '../digitalocean/service.ts';
import { expectFailure, expectRun, runEngine, startEngine } from '../support/engine.ts';
import { makeScenario, slowProduction, until, untilCopying } from '../support/scenario.ts';

const address = '203.0.113.7';
const both = ['--open-trusted-sources', 'staging,production', '--runner-address', address];
const officeOnly = ['ip_addr 198.51.100.0/24'];
const withUs = [...officeOnly, `ip_addr ${address}`];

test('this machine is let in for the time of a run, and for no longer when it is interrupted', async (t) => {
  await using scenario = await makeScenario(slowProduction);
  const service = await startService(t, scenario);
  const clusters = [service.productionId, service.stagingId];
  for (const id of clusters) await service.save(id, [office]);
  const engine = await startEngine(service.environment, both);
  await untilCopying(scenario, engine);
  for (const id of clusters) assert.deepEqual(await service.list(id), withUs);
  engine.kill('SIGINT');
  const { code, stderr } = await engine.result;
  assert.equal(code, 130, stderr);
  for (const id of clusters) assert.deepEqual(await service.list(id), officeOnly);
  assert.match(stderr, /production: 203\.0\.113\.7 added to the trusted sources/);
});

test('a killed run’s rule is swept by the next one', async (t) => {
  await using scenario = await makeScenario(slowProduction);
  const service = await startService(t, scenario);
  for (const id of [service.productionId, service.stagingId]) await service.save(id, [office]);
  const engine = await startEngine(service.environment, both);
  await untilCopying(scenario, engine);
  engine.kill('SIGKILL');
  await engine.result;
  assert.deepEqual(await service.list(service.productionId), withUs, 'nobody could remove it');
  await until(
    scenario.staging,
    'select 1 as gone where not exists (select from pg_stat_activity where starts_with(datname, $1))',
    [`${scenario.staging.name}__next_`],
  );
  // The next run comes from elsewhere, and only with staging's list in its care.
  const flags = ['--open-trusted-sources', 'staging', '--runner-address', '203.0.113.9', '--lock-wait', 'x'];
  await expectFailure(service.environment, { exit: 2, code: 'bad-flag' }, flags);
  assert.deepEqual(await service.list(service.stagingId), withUs, 'bad input touches nothing');
  const next = await startEngine(service.environment, [
    '--open-trusted-sources',
    'staging,production',
    '--runner-address',
    '203.0.113.9',
  ]);
  await untilCopying(scenario, next);
  assert.deepEqual(await service.list(service.productionId), [...officeOnly, 'ip_addr 203.0.113.9']);
  next.kill('SIGTERM');
  const { stderr } = await next.result;
  assert.match(
    stderr,
    /production: removed ip_addr 203\.0\.113\.7 from the trusted sources: run \S+ has left it/,
  );
  for (const id of [service.productionId, service.stagingId])
    assert.deepEqual(await service.list(id), officeOnly);
});

test('a failing run and a published one leave the lists as they were; two at once, too', async (t) => {
  await using one = await makeScenario();
  await using other = await makeScenario();
  const service = await startService(t, one);
  const clusters = [service.productionId, service.stagingId];
  for (const id of clusters) await service.save(id, [office]);
  const second = { ...service.environment, ...other.environment };
  await Promise.all([expectRun(service.environment, both), expectRun(second, both)]);
  for (const id of clusters) assert.deepEqual(await service.list(id), officeOnly);
  const failing = {
    ...service.environment,
    STAGING_DB_URL: String(service.environment.STAGING_DB_URL).replace(/\/[^/?]+(\?|$)/, '/nowhere$1'),
  };
  await expectFailure(failing, { exit: 3, code: 'database-missing' }, both);
  for (const id of clusters) assert.deepEqual(await service.list(id), officeOnly);
});

test('nothing is written without the flag, to an open cluster, or where the address is covered', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  await service.save(service.productionId, [office]);
  await service.writes();
  await expectRun(service.environment);
  assert.deepEqual(await service.writes(), []);
  const open = await expectRun(service.environment, ['--open-trusted-sources', 'staging']);
  assert.match(
    open.report.warnings.join(),
    /staging: the cluster has no trusted sources, so it is open to all/,
  );
  const covered = ['--open-trusted-sources', 'production', '--runner-address', '198.51.100.77'];
  const { stderr } = await expectRun(service.environment, covered);
  assert.match(
    stderr,
    /production: trusted sources hold 198\.51\.100\.77 already \(ip_addr 198\.51\.100\.0\/24\)/,
  );
  assert.deepEqual(await service.writes(), []);
});

test('the address comes from a server that lets us in, or from a service of one’s choice', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  await service.save(service.productionId, [office]);
  const asked = await runEngine(service.environment, ['--open-trusted-sources', 'production']);
  assert.equal(asked.code, 0, asked.stderr);
  assert.match(asked.stderr, /production: 127\.0\.0\.1 added to the trusted sources/);
  const echo = await startWeb(t, [{ body: '{"ip":"203.0.113.44"}\n' }]);
  const flags = ['--open-trusted-sources', 'production', '--runner-address', echo.url];
  assert.match((await expectRun(service.environment, flags)).stderr, /203\.0\.113\.44 added/);
  const liar = await startWeb(t, [{ body: '0.0.0.0/0' }]);
  const lied = ['--open-trusted-sources', 'production', '--runner-address', liar.url];
  await expectFailure(
    service.environment,
    { exit: 3, code: 'api-unavailable', says: /something else/ },
    lied,
  );
  assert.deepEqual(await service.list(service.productionId), officeOnly);
});

test('a rule that can’t be taken away again: staging is refreshed, and the exit code says that something is left', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  await service.save(service.productionId, [office]);
  const engine = await startEngine(service.environment, [
    '--open-trusted-sources',
    'production',
    '--runner-address',
    address,
  ]);
  while ((await service.list(service.productionId)).length < 2);
  await service.call('POST', '/_local/faults', {
    body: { method: 'PUT', path: 'firewall', kind: 'status', status: 403 },
  });
  const { code, stderr, report } = await engine.result;
  assert.equal(code, 6, stderr);
  assert.equal(report?.outcome, 'published');
  assert.match(stderr, /still among the trusted sources of cluster .*refresh doctor --fix removes it/);
});

test('flags that can’t be carried out are bad input', async () => {
  await using scenario = await makeScenario();
  const { environment } = scenario;
  const cases: [string[], RegExp][] = [
    [['--open-trusted-sources', 'everything'], /has to be staging, production/],
    [['--open-trusted-sources', 'production'], /DO_API_TOKEN.*PROD_DB_CLUSTER_ID/],
    [['--runner-address', '2001:db8::1'], /IPv6/],
    [['--runner-address', 'http://elsewhere.example/ip'], /no https/],
  ];
  for (const [flags, says] of cases) {
    const result = await runEngine(environment, flags);
    assert.equal(result.code, 2, result.stderr);
    assert.match(result.stderr, says);
  }
});
