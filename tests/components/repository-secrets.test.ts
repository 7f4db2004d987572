import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import { isSecretInput, mockPulumi, plain, settled } from './mocks.ts';

const registered = mockPulumi();
const { engineEnvironment } = await import('../../components/engine-environment.ts');
const { MaskKey } = await import('../../components/mask-key.ts');
const { RepositorySecrets } = await import('../../components/repository-secrets.ts');

const environment = engineEnvironment({
  production: { id: 'prod-id', url: 'postgresql://p', certificate: 'prod-ca' },
  staging: { clusterId: 'staging-id', url: 'postgresql://s', certificate: 'staging-ca' },
  digitalOceanToken: 'token',
  maskKey: 'key',
  notifyUrl: undefined,
  mailUrl: undefined,
});
const contractNames = [
  'DO_API_TOKEN',
  'PRODUCTION_DB_CA',
  'PRODUCTION_DB_URL',
  'PROD_DB_CLUSTER_ID',
  'REFRESH_MASK_KEY',
  'STAGING_DB_CA',
  'STAGING_DB_CLUSTER_ID',
  'STAGING_DB_URL',
];

test('the repository gets exactly the secrets of the contract, each of them secret', async () => {
  const secrets = new RepositorySecrets(
    'secrets',
    { owner: 'example', repository: 'shop', environment: undefined, secrets: environment },
    {},
  );
  assert.deepEqual((await settled(secrets.names)).toSorted(), contractNames);
  const made = registered.filter(({ name }) => name.startsWith('secrets-'));
  assert.equal(made.length, contractNames.length);
  for (const { type, inputs } of made) {
    assert.equal(type, 'github:index/actionsSecret:ActionsSecret');
    assert.deepEqual(Object.keys(inputs).sort(), ['repository', 'secretName', 'value']);
    assert.ok(isSecretInput(inputs.value), String(inputs.secretName));
  }
  const url = made.find(({ inputs }) => inputs.secretName === 'STAGING_DB_URL');
  assert.equal(plain(url?.inputs.value), 'postgresql://s');
});

test('in a GitHub environment the secrets are its own', async () => {
  const secrets = new RepositorySecrets(
    'environment',
    { owner: 'example', repository: 'shop', environment: 'staging', secrets: environment },
    {},
  );
  assert.equal((await settled(secrets.names)).length, contractNames.length);
  const made = registered.filter(
    ({ name, type }) => name.startsWith('environment-') && !type.includes('components'),
  );
  assert.equal(made.length, contractNames.length);
  for (const { type, inputs } of made) {
    assert.equal(type, 'github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret');
    assert.equal(inputs.environment, 'staging');
    assert.ok(isSecretInput(inputs.value));
  }
});

test('credentials are secret whatever they went in as; ids and certificates are not', async () => {
  const secret = ['DO_API_TOKEN', 'PRODUCTION_DB_URL', 'REFRESH_MASK_KEY', 'STAGING_DB_URL'];
  for (const [name, value] of Object.entries(environment)) {
    assert.equal(await pulumi.isSecret(value), secret.includes(name), name);
  }
  const notified = engineEnvironment({
    production: { id: '', url: '', certificate: '' },
    staging: { clusterId: '', url: '', certificate: '' },
    digitalOceanToken: '',
    maskKey: '',
    notifyUrl: 'https://hooks.example/x',
    mailUrl: 'smtps://hush@mail.example/?from=a@x&to=b@x',
  });
  for (const address of [notified.REFRESH_NOTIFY_URL, notified.REFRESH_MAIL_URL])
    assert.ok(address && (await pulumi.isSecret(address)));
});

test('a mask key is made once, never logged, and secret; a given one is taken', async () => {
  const made = new MaskKey('mask-key', { key: undefined });
  assert.equal(await settled(made.value), 'generated-mask-key');
  assert.ok(await pulumi.isSecret(made.value));
  // By this name docs/runbook.md finds the key in the state.
  const command = registered.find(({ name }) => name === 'mask-key-generated');
  assert.equal(command?.inputs.logging, 'none');
  assert.equal(command?.inputs.triggers, undefined);

  const before = registered.filter(({ type }) => type === 'command:local:Command').length;
  const given = new MaskKey('given', { key: pulumi.secret('our-own-key-of-masks') });
  assert.equal(await settled(given.value), 'our-own-key-of-masks');
  assert.equal(registered.filter(({ type }) => type === 'command:local:Command').length, before);
});
