import { test } from 'node:test';
import { DigitalOcean } from '../../scripts/digitalocean/client.ts';
import { Secret } from '../../scripts/model/secret.ts';
import { assertUnderstoodOrRefused } from '../support/any-answer.ts';

const token = 'dop_v1_the-token-of-this-test';

test('any answer of the API is understood or refused with a code of ours, and the token is never told', async (t) => {
  await assertUnderstoodOrRefused(t, {
    token,
    calls: (url) => {
      const api = new DigitalOcean({ url, token: new Secret(token) }, { firstWaitMs: 1 });
      return [() => api.clusters(), () => api.cluster('c'), () => api.databases('c'), () => api.backups('c')];
    },
    names: ['databases', 'database', 'dbs', 'backups', 'links', 'pages', 'next', 'name', 'id', 'message'],
    maxKeys: 4,
    refusal: `{"message":"${token}"}`,
    statuses: [200, 200, 200, 204, 301, 400, 401, 403, 404, 412, 422, 429, 500, 503],
    examples: [
      // A link that is none, and one that leads back: asked for again and again, it would never end.
      [200, '{"databases":[],"links":{"pages":{"next":"http://["}}}', 0],
      [200, '{"databases":[],"links":{"pages":{"next":"https://api.example/?page=1"}}}', 0],
    ],
    codes: /^(api-|bad-environment|not-permitted)/,
  });
});
