import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { GitHub } from '../../scripts/github/client.ts';
import { readZipEntry } from '../../scripts/github/zip.ts';
import { zipOf } from '../../scripts/local/api/github/zip.ts';
import { RefreshError } from '../../scripts/model/errors.ts';
import { Secret } from '../../scripts/model/secret.ts';
import { assertUnderstoodOrRefused } from '../support/any-answer.ts';
import { fc } from '../support/property.ts';

const token = 'github_pat_the-token-of-this-test';

test('any answer of GitHub’s is understood or refused with a code of ours, and the token is never told', async (t) => {
  await assertUnderstoodOrRefused(t, {
    token,
    calls: (url) => {
      const api = new GitHub({ url, token: new Secret(token) }, 'acme/shop', { firstWaitMs: 1 });
      return [
        () => api.workflow('refresh.yml'),
        () => api.dispatch('refresh.yml', 'main', {}),
        () => api.runs('refresh.yml', {}),
        () => api.run(1),
        () => api.jobs(1),
        () => api.cancel(1),
        () => api.artifact(1, 'report'),
      ];
    },
    names: [
      'id',
      'path',
      'state',
      'status',
      'message',
      'created_at',
      'total_count',
      'workflow_runs',
      'jobs',
      'artifacts',
      'workflow_run_id',
    ],
    maxKeys: 5,
    refusal: `{"message":"Bad credentials: ${token}"}`,
    statuses: [200, 200, 200, 204, 301, 401, 403, 404, 422, 429, 500, 503],
    codes: /^api-/,
    examples: [
      [200, '', 2],
      [200, '{"total_count":1,"artifacts":[{"id":1,"name":"report","expired":true}]}', 6],
      [204, '', 1],
      // Found here: the message was repeated with the token in it.
      [422, `{"message":"Bad credentials: ${token}"}`, 0],
    ],
  });
});

test('a zip file that was cut or of which one bit was changed gives a file, none, or bad-file', () => {
  const whole = zipOf([
    { name: 'a', content: Buffer.from('first') },
    { name: 'report.json', content: Buffer.from('{"outcome":"published"}'.repeat(20)) },
  ]);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(7), fc.boolean(), (at, bit, shorter) => {
      const zip = Buffer.from(shorter ? whole.subarray(0, at) : whole);
      if (!shorter) zip.writeUInt8(zip.readUInt8(at) ^ (1 << bit), at);
      try {
        const found = readZipEntry(zip, 'report.json');
        assert.ok(found === undefined || found.length <= 64 * 1024 * 1024);
      } catch (error) {
        assert(error instanceof RefreshError && error.code === 'bad-file', String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('a small zip file that holds more than a report can is refused before it fills the memory', () => {
  const content = deflateRawSync(Buffer.alloc(64 * 1024 * 1024 + 1));
  const bomb = zipOf([{ name: 'report.json', content }]);
  const directory = bomb.readUInt32LE(bomb.length - 22 + 16);
  // Deflated, as its only entry's directory entry says.
  bomb.writeUInt16LE(8, directory + 10);
  assert.throws(
    () => readZipEntry(bomb, 'report.json'),
    (error) => error instanceof RefreshError && error.code === 'bad-file',
  );
});
