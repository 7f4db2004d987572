import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGitHub } from './emulation.ts';

const workflowFile = '/repos/acme/shop/contents/.github/workflows/refresh.yml';
const file = { message: 'Add it', content: Buffer.from('on: push\n').toString('base64') };

test('the API answers with and without the prefix, and links accordingly', async (t) => {
  const { call, url } = await startGitHub(t);
  for (const base of ['', '/api/v3']) {
    const reply = await call('GET', `${base}/repos/ACME/Shop`);
    assert.equal(reply.status, 200);
    assert.equal(reply.body.full_name, 'acme/shop');
    assert.equal(reply.body.default_branch, 'main');
    assert.equal(reply.body.url, `${url}${base}/repos/acme/shop`);
    const byId = await call('GET', `${base}/repositories/${reply.body.id}`);
    assert.deepEqual(byId.body, reply.body);
  }
  assert.equal((await call('GET', '/repos/acme/nothing')).status, 404);
});

test('an owner is a user unless it is said to be an organization', async (t) => {
  const { call } = await startGitHub(t, { organizations: ['acme-inc'] });
  const user = await call('GET', '/orgs/acme');
  assert.deepEqual([user.status, user.body.message, user.body.status], [404, 'Not Found', '404']);
  assert.equal((await call('GET', '/orgs/acme-inc')).body.type, 'Organization');
  assert.equal((await call('GET', '/users/acme')).body.type, 'User');
  assert.equal((await call('GET', '/users/nobody')).status, 404);
  assert.equal((await call('GET', '/user')).body.login, 'acme');
});

test('no token and a wrong token are refused, also where GitHub has no such call', async (t) => {
  const { call } = await startGitHub(t);
  for (const path of ['/user', '/repos/acme/shop', '/_local/secrets', '/_local/log']) {
    const none = await call('GET', path, { token: null });
    assert.deepEqual([none.status, none.body.message], [401, 'Requires authentication']);
    const wrong = await call('GET', path, { token: 'wrong' });
    assert.deepEqual([wrong.status, wrong.body.message], [401, 'Bad credentials']);
  }
});

test('a classic token shows its scopes; without `workflow` a workflow file is not found', async (t) => {
  const token = 'without workflow';
  const { call } = await startGitHub(t, { otherTokens: [{ token, scopes: ['repo'] }] });
  assert.equal((await call('GET', '/user')).headers.get('x-oauth-scopes'), 'repo, workflow');
  const refused = await call('PUT', workflowFile, { token, body: file });
  assert.deepEqual([refused.status, refused.body.message], [404, 'Not Found']);
  assert.equal(refused.headers.get('x-oauth-scopes'), 'repo');
  assert.equal((await call('PUT', '/repos/acme/shop/contents/a.txt', { token, body: file })).status, 201);
  const allowed = await call('PUT', workflowFile, { body: file });
  assert.equal(allowed.status, 201);
  const { sha } = allowed.body.content;
  assert.equal(
    (await call('DELETE', workflowFile, { token, body: { message: 'Delete it', sha } })).status,
    404,
  );
});

test('a classic token without `repo` sees public repositories only, and writes nowhere', async (t) => {
  const token = 'no scope';
  const { call } = await startGitHub(t, {
    otherTokens: [{ token, scopes: [] }],
    repositories: [
      { owner: 'acme', name: 'shop' },
      { owner: 'acme', name: 'site', private: false },
    ],
  });
  assert.equal((await call('GET', '/repos/acme/shop', { token })).status, 404);
  assert.equal((await call('GET', '/repos/acme/site', { token })).status, 200);
  assert.equal((await call('GET', '/repos/acme/site/contents/README.md', { token })).status, 200);
  assert.equal((await call('GET', '/repos/acme/site/actions/secrets', { token })).status, 404);
  assert.equal((await call('PUT', '/repos/acme/site/contents/a.txt', { token, body: file })).status, 404);
  assert.equal((await call('GET', '/_local/secrets', { token })).status, 404);
});

test('a fine-grained token is told which permission it lacks', async (t) => {
  const token = 'fine-grained';
  const { call } = await startGitHub(t, {
    otherTokens: [{ token, permissions: { contents: 'write', secrets: 'read' } }],
  });
  assert.equal((await call('GET', '/user', { token })).headers.get('x-oauth-scopes'), null);
  assert.equal((await call('GET', '/repos/acme/shop', { token })).status, 200);
  assert.equal((await call('GET', '/repos/acme/shop/actions/secrets', { token })).status, 200);
  assert.equal((await call('PUT', '/repos/acme/shop/contents/a.txt', { token, body: file })).status, 201);
  for (const [method, path, permission] of [
    ['PUT', workflowFile, 'workflows=write'],
    ['PUT', '/repos/acme/shop/actions/secrets/A', 'secrets=write'],
    ['POST', '/repos/acme/shop/actions/variables', 'variables=write'],
    ['PUT', '/repos/acme/shop/environments/staging', 'administration=write'],
  ] as const) {
    const reply = await call(method, path, { token, body: file });
    assert.deepEqual(
      [reply.status, reply.body.message],
      [403, 'Resource not accessible by personal access token'],
    );
    assert.equal(reply.headers.get('x-accepted-github-permissions'), permission);
  }
});

test('the rate limit is told in every answer, and kept', async (t) => {
  const { call } = await startGitHub(t, { requestsPerHour: 2 });
  const { headers, body } = await call('GET', '/rate_limit');
  assert.equal(headers.get('x-ratelimit-remaining'), '1');
  assert.equal(body.resources.core.limit, 2);
  await call('GET', '/user');
  const exceeded = await call('GET', '/user');
  assert.equal(exceeded.status, 403);
  assert.match(exceeded.body.message, /API rate limit exceeded/);
  assert.equal(exceeded.headers.get('x-ratelimit-remaining'), '0');
});
