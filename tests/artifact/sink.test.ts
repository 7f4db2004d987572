import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { partialName } from '../../scripts/artifact/artifact-name.ts';
import { Sink } from '../../scripts/artifact/sink.ts';
import { ArtifactWriter } from '../../scripts/artifact/writer.ts';
import { testFolder } from '../support/servers.ts';
import { aboutSmallArtifact } from './small-artifact.ts';

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

test('a file has its name only once it is on the disk, and then the name is made to last, too', async (t) => {
  const folder = await mkdtemp(join(await testFolder(), 'sink-'));
  const handle = await open(folder, 'r');
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const synced: (readonly [string, number])[][] = [];
  const { sync } = prototype;
  t.mock.method(prototype, 'sync', async function (this: FileHandle) {
    const whose = (await this.stat()).isDirectory() ? 'the folder' : 'the file';
    const there = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).size] as const);
    synced.push([[whose, 0], ...there]);
    await sync.call(this);
  });
  const path = join(folder, 'artifact');
  const sink = await Sink.create(path, undefined);
  await sink.append(Buffer.alloc(5000));
  const { bytes } = await sink.finish();
  assert.deepEqual(synced, [
    [
      ['the file', 0],
      [basename(partialName(path)), bytes],
    ],
    [
      ['the folder', 0],
      ['artifact', bytes],
    ],
  ]);
});

test('an artifact that is complete and gets no name leaves nothing', async () => {
  const folder = await mkdtemp(join(await testFolder(), 'sink-'));
  const path = join(folder, 'artifact');
  const options = { path, temporary: folder, recipient: undefined, databaseId: 'shop', atOnce: 4 };
  {
    await using writer = await ArtifactWriter.create(options);
    await writer.definitions('create table t (id int);\n');
    await using _nameless = await writer.complete(aboutSmallArtifact('shop'));
    assert.deepEqual(readdirSync(folder), [basename(partialName(path))]);
  }
  assert.deepEqual(readdirSync(folder), []);
});
