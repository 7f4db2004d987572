import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentName, exitCode } from '../../scripts/contract.ts';
import { formatError, RefreshError } from '../../scripts/model/errors.ts';
import { readConfig } from '../../scripts/stages/config.ts';
import { fc } from '../support/property.ts';

const url = 'postgresql://u:the-password-of-the-test@db.example:5432/app';
const flagNames = [
  'jobs',
  'keepPrevious',
  'owner',
  'report',
  'verify',
  'strategy',
  'lockWait',
  'stallSeconds',
  'maxXminAgeSeconds',
  'maxReplayLagSeconds',
  'maxBlockingSeconds',
  'recipient',
  'keepArtifacts',
  'openTrustedSources',
  'runnerAddress',
  'notifyFormat',
];

test('any flags and variables are a configuration or bad input, and no secret is told', () => {
  const value = fc.oneof(
    fc.constantFrom(
      '1',
      '0',
      '-1',
      '1e3',
      '١',
      ' 2',
      '999999999999',
      'NaN',
      'counts',
      'swap',
      'age1x',
      'staging',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const flags = fc.dictionary(fc.constantFrom(...flagNames), value, { maxKeys: 5 });
  const variables = fc.dictionary(
    fc.constantFrom(...Object.values(environmentName)),
    fc.oneof(value, fc.constant(url)),
  );
  fc.assert(
    fc.property(flags, variables, fc.boolean(), (given, environment, whole) => {
      const all = whole
        ? { ...environment, [environmentName.productionUrl]: url, [environmentName.stagingUrl]: url }
        : environment;
      try {
        const config = readConfig({ ...given, artifact: false }, all);
        assert.ok(Number.isInteger(config.jobs) && config.jobs >= 1);
        assert.ok(Number.isInteger(config.stallSeconds) && config.stallSeconds >= 1);
      } catch (error) {
        assert(error instanceof RefreshError, String(error));
        assert.equal(error.exitCode, exitCode.badInput, formatError(error));
        assert.ok(!formatError(error).includes('the-password-of-the-test'));
      }
    }),
    { numRuns: 600 },
  );
});
