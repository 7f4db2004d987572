import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Sink } from '../../scripts/artifact/sink.ts';
import { testFolder } from '../support/servers.ts';

test('a file whose name was taken meanwhile leaves the other as it is, and nothing of its own', async () => {
  const folder = await mkdtemp(join(await testFolder(), 'sink-'));
  const path = join(folder, 'artifact');
  const sink = await Sink.create(path, undefined);
  await sink.append(Buffer.from('ours'));
  await writeFile(path, 'another’s');
  await assert.rejects(sink.finish(), { code: 'artifact-failed' });
  await sink[Symbol.asyncDispose]();
  assert.equal(await readFile(path, 'utf8'), 'another’s');
  assert.deepEqual(readdirSync(folder), ['artifact']);
});
