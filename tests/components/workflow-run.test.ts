import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workflow } from '../../scripts/contract.ts';
import { readZipEntry } from '../../scripts/github/zip.ts';
import { office, startService, startWeb } from '../digitalocean/service.ts';
import { databasesBeside, makeScenario, slowProduction, untilSlow } from '../support/scenario.ts';
import { assertSecret, carryOut, killEngine, stepsOf } from './carry-out.ts';

const officeOnly = ['ip_addr 198.51.100.0/24'];

test('success: refreshed, kept for 30 days, cleaned up, told', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  for (const id of [service.productionId, service.stagingId]) await service.save(id, [office]);
  const web = await startWeb(t);
  const outcome = await carryOut(service, {
    secrets: { REFRESH_NOTIFY_URL: `${web.url}/hush` },
    inputs: { jobs: '3', verify: 'checksums' },
  });
  assert.equal(outcome.conclusion, 'success', outcome.log);
  assert.deepEqual(stepsOf(outcome), {
    'Check Out the Engine and its Policy': 'success',
    'Set Up Node 24': 'success',
    'Mask Derived Values': 'success',
    'Verify Cluster ID, List Databases and Production Database Backups': 'success',
    'Install PostgreSQL 17 Client': 'success',
    'Debug Database Connections': 'skipped',
    'Dry Run: Plan': 'skipped',
    'Back Up Production and Restore to Staging': 'success',
    'Upload Backup Artifact': 'success',
    'Upload Report': 'success',
    'Close Trusted Sources': 'success',
    Cleanup: 'success',
    Notification: 'success',
  });
  assert.deepEqual(
    outcome.artifacts.map(({ name }) => name),
    ['production-db-backup-12', 'refresh-report-12'],
  );
  const [backup, report] = outcome.artifacts;
  const summary = JSON.parse(String(report && readZipEntry(report.zip, 'refresh-summary.json')));
  assert.equal(summary.outcome, 'published');
  const file = String(summary.artifact.path).replace(/^.*\//, '');
  assert.equal(backup && readZipEntry(backup.zip, file)?.length, summary.artifact.bytes);
  assert.match(outcome.log, /^shop-production \(\*\*\*\)\n.*\n {2}databases: defaultdb$/m);
  assert.match(outcome.log, /203\.0\.113\.7 added to the trusted sources/);
  for (const id of [service.productionId, service.stagingId])
    assert.deepEqual(await service.list(id), officeOnly);
  const told = outcome.jobs[workflow.job]?.summary ?? '';
  assert.match(told, /^## 🎉 Production database successfully backed up and restored to staging!$/m);
  assert.match(told, /🔄 Next scheduled backup: \d{4}-\d\d-\d\d 02:00:00 UTC/);
  assert.match(told, /📊 Latest DO backup: \d{4}-\d\d-\d\d .* \(Size: /);
  assert.match(told, /```mermaid\ngantt\n[^`]*publish/);
  assert.match(told, /\| public\.orders \| copy \| 2,000 \|/);
  assert.equal(outcome.jobs[workflow.job]?.outputs.published, 'true');
  assert.equal(web.received.length, 1, 'told once, by the engine');
  assertSecret(outcome, service);
  assert.ok(!outcome.log.includes('hush'));
});

test('a failing refresh: nothing to upload but the report, the lists as they were, an annotation, staging as it was', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  for (const id of [service.productionId, service.stagingId]) await service.save(id, [office]);
  const STAGING_DB_URL = String(service.environment.STAGING_DB_URL).replace(/\/[^/?]+(\?|$)/, '/nowhere$1');
  const outcome = await carryOut(service, { secrets: { STAGING_DB_URL } });
  assert.equal(outcome.conclusion, 'failure', outcome.log);
  const { Cleanup, Notification, ...steps } = stepsOf(outcome);
  assert.equal(steps['Back Up Production and Restore to Staging'], 'failure');
  assert.equal(steps['Upload Report'], 'success');
  assert.deepEqual([Cleanup, Notification], ['success', 'success']);
  assert.deepEqual(
    outcome.artifacts.map(({ name }) => name),
    ['refresh-report-12'],
  );
  for (const id of [service.productionId, service.stagingId])
    assert.deepEqual(await service.list(id), officeOnly);
  const errors = outcome.annotations.filter(({ level }) => level === 'error');
  assert.match(
    errors.map(({ message }) => message).join(),
    /"nowhere" does not exist \(staging .*\)\nHINT: /,
  );
  assert.deepEqual(
    outcome.annotations.filter(({ level }) => level !== 'error'),
    [],
    'the cause stands alone',
  );
  const told = outcome.jobs[workflow.job]?.summary ?? '';
  assert.match(told, /^## ❌ Database backup\/restore failed!$/m);
  assert.match(told, /database-missing.*\n- 🔎 database "nowhere" does not exist \(staging .*\)\n- 💡 check/);
  assert.equal(outcome.jobs[workflow.job]?.outputs.published, 'false');
  assertSecret(outcome, service);
});

test('a cancel in the middle of the copy: the engine hears it, and everything after it still happens', async (t) => {
  await using scenario = await makeScenario(slowProduction);
  const service = await startService(t, scenario);
  for (const id of [service.productionId, service.stagingId]) await service.save(id, [office]);
  const controller = new AbortController();
  const under = carryOut(service, { signal: controller.signal });
  await untilSlow(scenario);
  assert.deepEqual(await service.list(service.productionId), [...officeOnly, 'ip_addr 203.0.113.7']);
  controller.abort();
  const outcome = await under;
  assert.equal(outcome.conclusion, 'cancelled', outcome.log);
  const steps = stepsOf(outcome);
  assert.equal(steps['Back Up Production and Restore to Staging'], 'cancelled');
  for (const name of ['Upload Report', 'Close Trusted Sources', 'Cleanup', 'Notification'])
    assert.equal(steps[name], 'success', name);
  assert.match(outcome.log, /interrupted: SIGINT received/);
  for (const id of [service.productionId, service.stagingId])
    assert.deepEqual(await service.list(id), officeOnly);
  assert.deepEqual(await databasesBeside(scenario.staging), []);
  assert.ok(
    !outcome.artifacts.some(({ name }) => name.startsWith('production-db-backup')),
    'half a backup is none',
  );
  assertSecret(outcome, service);
});

test('an engine that is killed: its rules are taken away by the step after it, and somebody is told', async (t) => {
  await using scenario = await makeScenario(slowProduction);
  const service = await startService(t, scenario);
  for (const id of [service.productionId, service.stagingId]) await service.save(id, [office]);
  const web = await startWeb(t);
  const under = carryOut(service, { secrets: { REFRESH_NOTIFY_URL: `${web.url}/hush` } });
  await untilSlow(scenario);
  await killEngine();
  const outcome = await under;
  assert.equal(outcome.conclusion, 'failure', outcome.log);
  assert.match(outcome.log, /production: removed ip_addr 203\.0\.113\.7 from the trusted sources/);
  for (const id of [service.productionId, service.stagingId])
    assert.deepEqual(await service.list(id), officeOnly);
  assert.equal(web.received.length, 1);
  assert.match(web.received[0]?.body ?? '', /The refresh of staging failed: it came to no report/);
});

test('a dry run shows the plan and changes nothing; debug examines both databases', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  for (const id of [service.productionId, service.stagingId]) await service.save(id, [office]);
  const outcome = await carryOut(service, { inputs: { dry_run: 'true', debug: 'true' } });
  assert.equal(outcome.conclusion, 'success', outcome.log);
  assert.match(outcome.jobs[workflow.job]?.summary ?? '', /\|.*orders.*\|/);
  assert.match(outcome.log, /✔ 8 Two different databases/);
  assert.equal(stepsOf(outcome)['Back Up Production and Restore to Staging'], 'skipped');
  assert.deepEqual(outcome.artifacts, []);
  assert.deepEqual(await databasesBeside(scenario.staging), []);
  for (const id of [service.productionId, service.stagingId])
    assert.deepEqual(await service.list(id), officeOnly);
  assertSecret(outcome, service);
});

test('held: the scheduled run is skipped and says so; by hand it runs; a date that is none is a failure', async (t) => {
  await using scenario = await makeScenario();
  const service = await startService(t, scenario);
  const scheduled = { schedule: '0 2 * * 0' };
  const held = await carryOut(service, { ...scheduled, variables: { REFRESH_HOLD_UNTIL: '2999-01-01' } });
  assert.equal(held.jobs[workflow.job]?.conclusion, 'skipped', held.log);
  assert.match(held.annotations.map(({ message }) => message).join(), /skipped: held until 2999-01-01/);
  const bySetting = await carryOut(service, { ...scheduled, holdUntil: '2999-01-01' });
  assert.equal(bySetting.jobs[workflow.job]?.conclusion, 'skipped', bySetting.log);
  for (const REFRESH_HOLD_UNTIL of ['never', 'next monday', '2026-02-30']) {
    const wrong = await carryOut(service, { ...scheduled, variables: { REFRESH_HOLD_UNTIL } });
    assert.deepEqual([wrong.conclusion, wrong.jobs[workflow.job]?.conclusion], ['failure', 'skipped']);
    assert.match(wrong.annotations.map(({ message }) => message).join(), /has to be a date such as/);
  }
  const daily = await carryOut(service, { schedule: '37 6 * * *' });
  assert.equal(daily.jobs[workflow.job]?.conclusion, 'skipped');
  assert.equal(daily.jobs.hold?.conclusion, 'skipped');
  const over = await carryOut(service, { ...scheduled, variables: { REFRESH_HOLD_UNTIL: '2020-01-01' } });
  assert.equal(over.jobs[workflow.job]?.conclusion, 'success', over.log);
});
