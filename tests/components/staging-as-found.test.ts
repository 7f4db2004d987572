import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import { ownCluster as cluster, refreshArgs } from './component-args.ts';
import { answerAsGitHub, ids, mockPulumi, settled, summary } from './mocks.ts';

const registered = mockPulumi();
const { inspectStaging } = await import('../../components/staging-as-found.ts');
const { Refresh } = await import('../../components/refresh.ts');

const account = async (databases: readonly string[], roles: readonly string[]) => {
  const named = (names: readonly string[]) => names.map((name) => ({ name }));
  const { url } = await answerAsGitHub({
    [`/v2/databases/${ids.staging}/dbs`]: { body: { dbs: named(databases) } },
    [`/v2/databases/${ids.staging}/users`]: { body: { users: named(roles) } },
  });
  return { token: pulumi.secret('dop_v1_token'), apiUrl: url };
};
const production = { size: 'db-s-2vcpu-4gb', version: '17' };
const whole = await account(['defaultdb', 'shop'], ['doadmin', 'app']);

test('what a cluster lacks is named; one that is not there, is only used or does not answer lacks nothing', async () => {
  const inspect = async (wanted: Parameters<typeof inspectStaging>[0]['cluster'], at = whole) =>
    await inspectStaging({ cluster: wanted, production, account: at }, {});
  assert.deepEqual(await inspect(cluster), []);
  const emptied = await account(['defaultdb'], ['doadmin']);
  assert.deepEqual(await inspect(cluster, emptied), ['database "shop"', 'role "app"']);
  assert.deepEqual(await inspect({ ...cluster, name: 'shop-staging-2' }, emptied), []);
  assert.deepEqual(await inspect({ adopt: 'shop-staging', database: 'shop', user: 'app' }, emptied), []);
  const silent = { ...whole, apiUrl: 'http://127.0.0.1:9' };
  assert.deepEqual(await inspect(cluster, silent), []);
});

test('an older version is refused before anything is made, and a smaller size is warned of', async (t) => {
  const warnings: string[] = [];
  t.mock.method(pulumi.log, 'warn', async (text: string) => warnings.push(text));
  const inspect = async (wanted: object, of = production) =>
    await inspectStaging({ cluster: { ...cluster, ...wanted }, production: of, account: whole }, {});
  const older = /:stagingCluster\.version: "16" is older than the 17 of "shop-staging".*say version: "17"/;
  await assert.rejects(inspect({ version: '16' }), older);
  await assert.rejects(inspect({}, { ...production, version: '16' }), older);
  await inspect({ version: '18', size: 'db-amd-4vcpu-16gb' });
  await inspect({ size: 'a-size-of-its-own' });
  assert.deepEqual(warnings, []);
  await inspect({ size: 'db-s-1vcpu-2gb' });
  assert.match(warnings.join(), /has size db-s-2vcpu-4gb, and the stack asks for db-s-1vcpu-2gb/);
  assert.equal(registered.length, 0);
});

test('what was found missing is warned of with a report of the past, not with one of this run', async (t) => {
  const warnings: string[] = [];
  t.mock.method(pulumi.log, 'warn', async (text: string) => warnings.push(text));
  const refresh = async (name: string, startedAt: string) => {
    mockPulumi({ stdout: JSON.stringify({ ...summary, startedAt }) });
    const made = new Refresh(name, { ...refreshArgs, missing: ['database "shop"', 'role "app"'] });
    await settled(made.report);
    await new Promise(setImmediate);
  };
  await refresh('now', new Date(Date.now() + 60_000).toISOString());
  assert.deepEqual(warnings, []);
  await refresh('before', summary.startedAt);
  assert.match(
    warnings.join(),
    /no database "shop" and no role "app"\. .*--replace 'urn:pulumi:.*before-run'/,
  );
});
