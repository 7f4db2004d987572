import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Call, startGitHub } from './emulation.ts';

const contents = '/repos/acme/shop/contents';

function base64(text: string | Buffer): string {
  return Buffer.from(text).toString('base64');
}

async function put(call: Call, path: string, text: string | Buffer, more: object = {}) {
  return await call('PUT', `${contents}/${path}`, {
    body: { message: `Write ${path}`, content: base64(text), ...more },
  });
}

test('a file is named by git, wrapped at 60 columns, and its url says the ref', async (t) => {
  const { call, url } = await startGitHub(t);
  const created = await put(call, 'docs/hello world.txt', 'hello world\n');
  assert.equal(created.status, 201);
  // echo 'hello world' | git hash-object --stdin
  assert.equal(created.body.content.sha, '3b18e512dba79e4c8300dd08aeb37f8e728b8dad');
  const { body } = await call('GET', `${contents}/docs/hello%20world.txt?ref=main`);
  assert.equal(body.encoding, 'base64');
  assert.equal(body.path, 'docs/hello world.txt');
  assert.equal(body.size, 12);
  assert.equal(body.url, `${url}/repos/acme/shop/contents/docs/hello%20world.txt?ref=main`);
  assert.equal(Buffer.from(body.content, 'base64').toString(), 'hello world\n');
  await put(call, 'long.bin', Buffer.alloc(100, 7));
  const long = (await call('GET', `${contents}/long.bin`)).body.content;
  assert.deepEqual(
    long.split('\n').map((line: string) => line.length),
    [60, 60, 16, 0],
  );
  const raw = await call('GET', `${contents}/docs/hello%20world.txt`, {
    accept: 'application/vnd.github.raw+json',
  });
  assert.equal(raw.body, 'hello world\n');
});

test('trees and commits have the names that git gives them', async (t) => {
  const now = () => new Date('2026-11-22T10:00:00Z');
  const files = { 'a.txt': 'a\n', 'a/b.txt': 'b\n', 'a-c/d/e.txt': 'e\n' };
  const { call } = await startGitHub(t, { now, repositories: [{ owner: 'acme', name: 'shop', files }] });
  const [commit] = (await call('GET', '/repos/acme/shop/commits')).body;
  // By git itself: `git write-tree` and `git rev-parse HEAD` on these files, that author and that time.
  assert.equal(commit.commit.tree.sha, '26cffb388c5b92d2c9fe36ba8b7f0864da08f4bf');
  assert.equal(commit.sha, '43765fd7561f88373f01eb0e8c0bb17438c0c89b');
});

test('the rules of the sha, as GitHub applies them', async (t) => {
  const { call } = await startGitHub(t);
  const { sha } = (await put(call, 'a.txt', 'one')).body.content;
  const refused = async (more: object, status: number, message: RegExp) => {
    const reply = await put(call, 'a.txt', 'two', more);
    assert.equal(reply.status, status);
    assert.match(reply.body.message, message);
  };
  await refused({}, 422, /"sha" wasn't supplied/);
  await refused({ sha: 'deadbeef' }, 409, /a\.txt does not match deadbeef/);
  await refused({ sha, branch: 'nowhere' }, 404, /Branch nowhere not found/);
  await refused({ sha, content: 'not base64!' }, 422, /Base64/);
  await refused({ sha, content: undefined }, 422, /"content" wasn't supplied/);
  await refused({ sha, message: undefined }, 422, /"message" wasn't supplied/);
  assert.equal((await put(call, 'a.txt', 'two', { sha })).status, 200);
  assert.equal(
    (await put(call, 'new.txt', 'x', { sha: 'deadbeef' })).status,
    201,
    'the sha of a new file is ignored',
  );
  for (const path of ['.git/config', 'a//b', 'a%2F..%2Fb']) {
    const reply = await call('PUT', `${contents}/${path}`, { body: { message: 'm', content: '' } });
    assert.deepEqual(
      [reply.status, reply.body.message],
      [422, 'path contains a malformed path component'],
      path,
    );
  }
});

test('a deleted file is gone, and has to be known by its sha', async (t) => {
  const { call } = await startGitHub(t);
  const { sha } = (await put(call, 'a.txt', 'one')).body.content;
  const remove = (body: object) =>
    call('DELETE', `${contents}/a.txt`, { body: { message: 'Delete a.txt', ...body } });
  assert.equal((await remove({})).status, 422);
  assert.equal((await remove({ sha: 'deadbeef' })).status, 409);
  const deleted = await remove({ sha, branch: 'main', content: base64('one') });
  assert.deepEqual([deleted.status, deleted.body.content], [200, null]);
  assert.equal((await call('GET', `${contents}/a.txt`)).status, 404);
  assert.equal((await remove({ sha })).status, 404);
});

test('over 1 MiB the content is left out', async (t) => {
  const { call } = await startGitHub(t);
  await put(call, 'fits.bin', Buffer.alloc(1024 * 1024));
  assert.equal((await call('GET', `${contents}/fits.bin`)).body.encoding, 'base64');
  assert.equal((await put(call, 'large.bin', Buffer.alloc(1024 * 1024 + 1))).status, 201);
  const { encoding, content, size } = (await call('GET', `${contents}/large.bin`)).body;
  assert.deepEqual({ encoding, content, size }, { encoding: 'none', content: '', size: 1024 * 1024 + 1 });
});

test('a folder lists what is in it', async (t) => {
  const files = { 'README.md': '#', '.github/workflows/a.yml': 'on: push', '.github/b.txt': 'b' };
  const { call } = await startGitHub(t, { repositories: [{ owner: 'acme', name: 'shop', files }] });
  const listed = async (path: string) =>
    (await call('GET', `${contents}${path}`)).body.map(
      (entry: Record<string, string>) => `${entry.type} ${entry.path}`,
    );
  assert.deepEqual(await listed(''), ['dir .github', 'file README.md']);
  assert.deepEqual(await listed('/.github'), ['file .github/b.txt', 'dir .github/workflows']);
  assert.equal((await call('GET', `${contents}/nothing`)).status, 404);
});

test('a commit echoes message, author and committer; without them the owner writes through GitHub', async (t) => {
  const { call } = await startGitHub(t);
  const robot = { name: 'Pulumi', email: 'pulumi@example.com' };
  const own = (await put(call, 'a.txt', 'a', { message: 'by hand' })).body.commit.sha;
  const robots = (await put(call, 'b.txt', 'b', { message: 'by robot', author: robot, committer: robot }))
    .body.commit.sha;
  const shown = async (sha: string) => {
    const { message, author, committer } = (await call('GET', `/repos/acme/shop/commits/${sha}`)).body.commit;
    return [message, author.name, author.email, committer.name, committer.email];
  };
  assert.deepEqual(await shown(own), [
    'by hand',
    'acme',
    'acme@users.noreply.github.com',
    'GitHub',
    'noreply@github.com',
  ]);
  assert.deepEqual(await shown(robots), ['by robot', robot.name, robot.email, robot.name, robot.email]);
  const unknown = await call('GET', `/repos/acme/shop/commits/${'0'.repeat(40)}`);
  assert.deepEqual(
    [unknown.status, unknown.body.message],
    [422, `No commit found for SHA: ${'0'.repeat(40)}`],
  );
  const list = (await call('GET', '/repos/acme/shop/commits?path=a.txt')).body;
  assert.deepEqual(
    list.map(({ sha }: { sha: string }) => sha),
    [own],
  );
});

test('branches go their own ways; a protected one takes no file', async (t) => {
  const { call } = await startGitHub(t, {
    repositories: [{ owner: 'acme', name: 'shop', branches: ['feature/x'], protectedBranches: ['main'] }],
  });
  assert.equal((await put(call, 'a.txt', 'a', { branch: 'feature/x' })).status, 201);
  assert.equal((await call('GET', `${contents}/a.txt?ref=feature/x`)).status, 200);
  assert.equal((await call('GET', `${contents}/a.txt`)).status, 404);
  assert.match(
    (await call('GET', `${contents}/a.txt?ref=nowhere`)).body.message,
    /No commit found for the ref nowhere/,
  );
  const refused = await put(call, 'a.txt', 'a');
  assert.equal(refused.status, 409);
  assert.match(refused.body.message, /Could not create file: Changes must be made through a pull request/);
  assert.equal((await call('GET', '/repos/acme/shop/branches/feature/x')).body.name, 'feature/x');
  assert.equal((await call('GET', '/repos/acme/shop/branches/main')).body.protected, true);
  assert.equal((await call('GET', '/repos/acme/shop/branches/nowhere')).status, 404);
  assert.equal((await call('GET', '/repos/acme/shop/branches?per_page=1')).body.length, 1);
  await call('PUT', '/_local/repos/acme/shop/branches/main', { body: { protected: false } });
  assert.equal((await put(call, 'a.txt', 'a')).status, 201);
});
