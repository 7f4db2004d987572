import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import sodium from 'libsodium-wrappers';
import { type Call, startGitHub, stoppedClock } from './emulation.ts';

const secrets = '/repos/acme/shop/actions/secrets';

/** Seals as the provider does: to the key that the API hands out, with libsodium's own function. */
async function seal(
  call: Call,
  shelf: string,
  value: string,
): Promise<{ key_id: string; encrypted_value: string }> {
  await sodium.ready;
  const { key, key_id } = (await call('GET', `${shelf}/public-key`)).body;
  const box = sodium.crypto_box_seal(Buffer.from(value), Buffer.from(key, 'base64'));
  return { key_id, encrypted_value: Buffer.from(box).toString('base64') };
}

test('a sealed secret arrives as it was, and is in clear nowhere but under /_local', async (t) => {
  const clock = stoppedClock('2026-11-22T10:00:00Z');
  const { call, stateFile } = await startGitHub(t, { now: clock.now });
  const value = 'postgresql://doadmin:p%C3%A4ss wörd@localhost:25060/shop?sslmode=require\n';
  const created = await call('PUT', `${secrets}/staging_db_url`, { body: await seal(call, secrets, value) });
  assert.deepEqual([created.status, created.body], [201, {}]);
  const shown = await call('GET', `${secrets}/STAGING_DB_URL`);
  const times = { created_at: '2026-11-22T10:00:00Z', updated_at: '2026-11-22T10:00:00Z' };
  assert.deepEqual(shown.body, { name: 'STAGING_DB_URL', ...times });
  assert.deepEqual((await call('GET', '/_local/secrets')).body.repositories['acme/shop'].secrets, {
    STAGING_DB_URL: value,
  });
  assert.doesNotMatch(await readFile(stateFile, 'utf8'), /postgresql/);
  clock.forward(60);
  const updated = await call('PUT', `${secrets}/STAGING_DB_URL`, { body: await seal(call, secrets, 'new') });
  assert.equal(updated.status, 204);
  assert.deepEqual((await call('GET', secrets)).body, {
    total_count: 1,
    secrets: [{ name: 'STAGING_DB_URL', ...times, updated_at: '2026-11-22T10:01:00Z' }],
  });
  assert.equal((await call('DELETE', `${secrets}/STAGING_DB_URL`)).status, 204);
  for (const method of ['GET', 'DELETE'])
    assert.equal((await call(method, `${secrets}/STAGING_DB_URL`)).status, 404);
});

test('a box that was not sealed to the key is refused', async (t) => {
  const { call } = await startGitHub(t);
  const good = await seal(call, secrets, 'value');
  const other = sodium.crypto_box_seal('value', sodium.crypto_box_keypair().publicKey);
  const refusals: readonly [string, string, object, RegExp][] = [
    [
      'another key',
      'A',
      { ...good, encrypted_value: Buffer.from(other).toString('base64') },
      /could not be decrypted/,
    ],
    [
      'clear text',
      'A',
      { ...good, encrypted_value: Buffer.from('value').toString('base64') },
      /could not be decrypted/,
    ],
    ['no base64', 'A', { ...good, encrypted_value: '***' }, /not base64/],
    ['an old key id', 'A', { ...good, key_id: '1' }, /key_id does not match/],
    ['no key id', 'A', { encrypted_value: good.encrypted_value }, /key_id: wasn't supplied/],
    ['no value', 'A', { key_id: good.key_id }, /encrypted_value/],
    ['a digit first', '1A', good, /names can only contain/],
    ['a hyphen', 'A-B', good, /names can only contain/],
    ["GitHub's own prefix", 'github_token', good, /must not start with GITHUB_/],
    ['more than 48 KB', 'A', await seal(call, secrets, 'x'.repeat(48 * 1024 + 1)), /too large/],
  ];
  for (const [what, name, body, message] of refusals) {
    const reply = await call('PUT', `${secrets}/${name}`, { body });
    assert.equal(reply.status, 422, what);
    assert.match(reply.body.message, message, what);
  }
  assert.equal((await call('GET', secrets)).body.total_count, 0);
});

test('an environment has secrets of its own, by numeric id too, and they go with it', async (t) => {
  const { call } = await startGitHub(t);
  const { id } = (await call('GET', '/repos/acme/shop')).body;
  const shelf = `/api/v3/repositories/${id}/environments/staging/secrets`;
  assert.equal((await call('GET', `${shelf}/public-key`)).status, 404, 'no environment, no key');
  await call('PUT', '/repos/acme/shop/environments/staging', { body: {} });
  assert.equal(
    (await call('PUT', `${shelf}/DO_API_TOKEN`, { body: await seal(call, shelf, 'dop') })).status,
    201,
  );
  assert.equal((await call('GET', '/repos/acme/shop/environments/Staging/secrets/DO_API_TOKEN')).status, 200);
  assert.equal((await call('GET', secrets)).body.total_count, 0);
  const { environments } = (await call('GET', '/_local/secrets')).body.repositories['acme/shop'];
  assert.deepEqual(environments, { staging: { DO_API_TOKEN: 'dop' } });
  await call('DELETE', '/repos/acme/shop/environments/staging');
  await call('PUT', '/repos/acme/shop/environments/staging', { body: {} });
  assert.equal((await call('GET', `${shelf}/DO_API_TOKEN`)).status, 404);
});

test('the key stays the same over a restart: sealed secrets can still be opened', async (t) => {
  const first = await startGitHub(t);
  await first.call('PUT', `${secrets}/A`, { body: await seal(first.call, secrets, 'value') });
  const key = (await first.call('GET', `${secrets}/public-key`)).body;
  await first.close();
  const second = await startGitHub(t, { stateFile: first.stateFile });
  assert.deepEqual((await second.call('GET', `${secrets}/public-key`)).body, key);
  const { repositories } = (await second.call('GET', '/_local/secrets')).body;
  assert.deepEqual(repositories['acme/shop'].secrets, { A: 'value' });
});
