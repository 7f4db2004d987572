import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { listenOnLoopback } from '../../scripts/local/loopback-port.ts';
import { production, startDigitalOcean, token } from '../local/api/emulation.ts';
import { entryOf } from '../support/entry.ts';

function backups(
  environment: Record<string, string>,
  flags: readonly string[] = [],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const entry = entryOf('backups');
    const child = execFile(
      process.execPath,
      [entry.file, 'backups', ...flags],
      { env: { ...entry.environment, ...environment } },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

test('the cluster, its databases, and the backups newest first, in words and in JSON', async (t) => {
  const { url } = await startDigitalOcean(t);
  const environment = { DO_API_URL: url, DO_API_TOKEN: token, PROD_DB_CLUSTER_ID: production.id };
  const words = await backups(environment);
  assert.equal(words.code, 0, words.stderr);
  assert.match(words.stdout, /^shop-production \(3dd4f852-/);
  assert.match(words.stdout, /databases: defaultdb/);
  const { code, stdout } = await backups(environment, ['--json']);
  assert.equal(code, 0);
  const found = JSON.parse(stdout);
  assert.equal(found.cluster.name, 'shop-production');
  assert.equal(found.backups.length, 7);
  const times = found.backups.map(({ createdAt }: { createdAt: string }) => createdAt);
  assert.deepEqual(times, times.toSorted().reverse());
  assert.equal(typeof found.backups[0].sizeGigabytes, 'number');
  assert.ok(!stdout.includes(production.connection.password));
});

test('a name that talks to terminals or to GitHub’s runner, which reads this step’s log, is only shown', async (t) => {
  const name = 'x\n::add-mask::y\n ##[error]z\u001b[31m';
  // The emulation takes no such name; a production's administrator may make one.
  const server = createServer(({ url = '' }, response) => {
    const answer = url.endsWith('/dbs')
      ? { dbs: [{ name }] }
      : url.endsWith('/backups')
        ? { backups: [] }
        : { database: { id: production.id, name, engine: 'pg' } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(server)}`;
  t.after(() => server.close());
  const environment = { DO_API_URL: url, DO_API_TOKEN: token, PROD_DB_CLUSTER_ID: production.id };
  const { stdout, stderr } = await backups(environment);
  assert.match(stdout, /add-mask/, stderr);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
  assert.doesNotMatch(stdout, /^\s*::|##\[|\u001b/m);
});

test('what is missing or wrong in the environment is bad input, said at once', async (t) => {
  const { url } = await startDigitalOcean(t);
  const nothing = await backups({});
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /bad-environment: .*\(DO_API_TOKEN and PROD_DB_CLUSTER_ID\)\nHINT: /);
  const noId = await backups({ DO_API_URL: url, DO_API_TOKEN: token });
  assert.equal(noId.code, 2);
  assert.match(noId.stderr, /\(PROD_DB_CLUSTER_ID\)/);
  const word = await backups({ DO_API_URL: url, DO_API_TOKEN: token, PROD_DB_CLUSTER_ID: 'shop-production' });
  assert.equal(word.code, 2);
  assert.match(word.stderr, /no UUID/);
  const cut = await backups({ DO_API_TOKEN: 'two\nlines', PROD_DB_CLUSTER_ID: production.id });
  assert.equal(cut.code, 2);
  assert.ok(!cut.stderr.includes('lines'));
});

test('a cluster that is not there, and a token that is none, are preconditions', async (t) => {
  const { url } = await startDigitalOcean(t);
  const other = '00000000-0000-4000-8000-000000000000';
  const missing = await backups({ DO_API_URL: url, DO_API_TOKEN: token, PROD_DB_CLUSTER_ID: other });
  assert.equal(missing.code, 3);
  assert.match(missing.stderr, new RegExp(`no cluster ${other}`));
  const stranger = await backups({ DO_API_URL: url, DO_API_TOKEN: 'stranger', PROD_DB_CLUSTER_ID: other });
  assert.equal(stranger.code, 3);
  assert.match(stranger.stderr, /does not know the token \(DO_API_TOKEN\)/);
  assert.ok(!stranger.stderr.includes('stranger'));
});
