import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { DigitalOcean } from '../../scripts/digitalocean/client.ts';
import { formatError, RefreshError } from '../../scripts/model/errors.ts';
import { Secret } from '../../scripts/model/secret.ts';

const token = 'dop_v1_the-token-of-this-test';

test('any answer of the API is understood or refused with a code of ours, and the token is never told', async (t) => {
  let answer = { status: 200, body: '' };
  const server = createServer((_, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = new DigitalOcean({ url, token: new Secret(token) }, { firstWaitMs: 1 });
  const calls = [
    () => api.clusters(),
    () => api.cluster('c'),
    () => api.databases('c'),
    () => api.backups('c'),
  ];
  const name = fc.constantFrom(
    'databases',
    'database',
    'dbs',
    'backups',
    'links',
    'pages',
    'next',
    'name',
    'id',
    'message',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys: 4 }),
    ),
  }));
  const body = fc.oneof(
    value.map((json) => JSON.stringify(json)),
    fc.string(),
    fc.constant(`{"message":"${token}"}`),
  );
  const status = fc.constantFrom(200, 200, 200, 204, 301, 400, 401, 403, 404, 412, 422, 429, 500, 503);
  await fc.assert(
    fc.asyncProperty(status, body, fc.nat(calls.length - 1), async (code, text, which) => {
      answer = { status: code, body: text };
      try {
        await calls[which]?.();
      } catch (error) {
        assert(error instanceof RefreshError, `${String(error)}: ${code} ${text}`);
        assert.match(error.code, /^(api-|bad-environment|not-permitted)/);
        assert.ok(!formatError(error).includes(token), formatError(error));
      }
    }),
    { numRuns: 150 },
  );
});
