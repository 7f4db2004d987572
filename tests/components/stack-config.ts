import assert from 'node:assert/strict';
import * as pulumi from '@pulumi/pulumi';
import type { Settings } from '../../components/settings.ts';
import { mockPulumi } from './mocks.ts';

mockPulumi();
const { readSettings } = await import('../../components/settings.ts');
const { SettingsError } = await import('../../components/settings-problems.ts');

/** A configuration with nothing wrong; its secrets hold `hunter2`, which no message may repeat. */
export const complete = {
  productionCluster: 'shop-production',
  productionDatabaseUrl: 'postgresql://reader:hunter2@db.example:25060/shop?sslmode=require',
  repository: 'example/shop',
  digitalOceanToken: 'dop_v1_hunter2',
  githubToken: 'ghp_hunter2',
  trustedSources: [{ type: 'ip_addr', value: '203.0.113.7' }],
};
const secretKeys = [
  'productionDatabaseUrl',
  'digitalOceanToken',
  'workflowDigitalOceanToken',
  'githubToken',
  'maskKey',
  'artifactIdentity',
  'notifyUrl',
  'mailUrl',
];

/** The settings of the complete configuration with some changes; undefined leaves a key out. */
export function read(
  changes: Record<string, unknown>,
  environment: Record<string, string> = {},
  encrypted: readonly string[] = secretKeys,
): Settings {
  const entries = Object.entries({ ...complete, ...changes }).flatMap(([key, value]) =>
    value === undefined
      ? []
      : [[`staging-refresh:${key}`, typeof value === 'string' ? value : JSON.stringify(value)] as const],
  );
  pulumi.runtime.setAllConfig(
    Object.fromEntries(entries),
    encrypted.map((key) => `staging-refresh:${key}`),
  );
  return readSettings(environment);
}

/** `path: reason` of everything that was refused. */
export function problemsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.problems.map(({ propertyPath, reason }) => `${propertyPath}: ${reason}`);
  }
  assert.fail('nothing was refused');
}
