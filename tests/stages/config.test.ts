import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { formatError, RefreshError } from '../../scripts/model/errors.ts';
import { type RunFlags, readConfig } from '../../scripts/stages/config.ts';

const environment = {
  PRODUCTION_DB_URL: 'postgresql://reader:Tr0ub4dor@prod:25060/shop?sslmode=require',
  STAGING_DB_URL: 'postgresql://doadmin:c0rrecth0rse@stag:25060/shop?sslmode=require',
};

function problems(flags: RunFlags, env: Record<string, string | undefined>): RefreshError {
  try {
    readConfig(flags, env);
  } catch (error) {
    assert(error instanceof RefreshError);
    return error;
  }
  throw new assert.AssertionError({ message: 'it was accepted' });
}

test('what is left out gets its default', () => {
  const config = readConfig({}, environment);
  assert.equal(config.production.host, 'prod');
  assert.equal(config.staging.user, 'doadmin');
  assert.equal('ca' in config.production, false);
  assert.equal(config.jobs, Math.max(2, availableParallelism()));
  assert.equal(config.keepPrevious, 1);
  assert.equal(config.reportFile, 'refresh-report.json');
  assert.equal(config.lockWaitSeconds, 10);
  assert.equal(config.brakes.blockingSeconds, 10);
  assert.equal(config.allowShrink, false);
  assert.equal(config.owner, undefined);
  assert.equal(config.productionClusterId, undefined);
});

const certificate = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';

test('what is given is taken, also a zero', () => {
  const id = '3dd4f852-539e-45c2-b3a1-7649432bb1c4';
  const config = readConfig(
    { jobs: '3', keepPrevious: '0', owner: 'app', report: 'r.json', lockWait: '1', allowShrink: true },
    { ...environment, STAGING_DB_CA: certificate, PROD_DB_CLUSTER_ID: ` ${id}\n`, STAGING_DB_CLUSTER_ID: '' },
  );
  assert.deepEqual(
    [
      config.jobs,
      config.keepPrevious,
      config.owner,
      config.reportFile,
      config.lockWaitSeconds,
      config.allowShrink,
    ],
    [3, 0, 'app', 'r.json', 1, true],
  );
  assert.equal(config.staging.ca, certificate);
  assert.equal(config.productionClusterId, id);
  assert.equal(config.stagingClusterId, undefined);
});

test('a number is a whole number within its limits', () => {
  for (const flags of [
    { jobs: '0' },
    { jobs: '65' },
    { jobs: '2.5' },
    { jobs: '-1' },
    { jobs: '1e1' },
    { jobs: ' 2' },
    { jobs: '' },
    { keepPrevious: '101' },
    { keepPrevious: 'all' },
    { lockWait: '0' },
    { lockWait: '3601' },
    { owner: '' },
    { report: '' },
  ] satisfies RunFlags[]) {
    const error = problems(flags, environment);
    assert.deepEqual([error.code, error.exitCode], ['bad-flag', 2], JSON.stringify(flags));
    assert.match(error.object ?? '', /^--[a-z-]+$/);
    assert.ok(error.hint);
  }
});

test('a variable that is empty is as good as not set', () => {
  for (const missing of ['PRODUCTION_DB_URL', 'STAGING_DB_URL'] as const) {
    for (const value of [undefined, '']) {
      const error = problems({}, { ...environment, [missing]: value });
      assert.deepEqual([error.code, error.object, error.exitCode], ['bad-environment', missing, 2]);
    }
  }
});

test('a path is no certificate', () => {
  const error = problems({}, { ...environment, STAGING_DB_CA: '/etc/ca.crt' });
  assert.deepEqual([error.code, error.object], ['bad-environment', 'STAGING_DB_CA']);
  assert.match(error.hint, /the certificate’s text, not its path/);
});

test('everything that is wrong is told at once, without any part of a URL', () => {
  const error = problems(
    { jobs: 'x', keepPrevious: 'y', lockWait: 'z' },
    {
      PRODUCTION_DB_URL: 'postgresql://reader:Tr0ub4dor@prod/shop?sslmode=disable',
      STAGING_DB_URL: undefined,
      REFRESH_MASK_KEY: 'hunter2',
      PROD_DB_CLUSTER_ID: 'shop-production',
      STAGING_DB_CLUSTER_ID: '7',
    },
  );
  const text = formatError(error);
  for (const named of [
    '--jobs',
    '--keep-previous',
    '--lock-wait',
    'PRODUCTION_DB_URL',
    'STAGING_DB_URL',
    'REFRESH_MASK_KEY',
    'PROD_DB_CLUSTER_ID',
    'STAGING_DB_CLUSTER_ID',
  ])
    assert.ok(text.includes(named), `${named} is not named: ${text}`);
  assert.equal(error.exitCode, 2);
  assert.doesNotMatch(text, /Tr0ub4dor|hunter2/);
});
