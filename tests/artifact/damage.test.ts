import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { ArtifactIndex } from '../../scripts/artifact/index-schema.ts';
import { ArtifactReader } from '../../scripts/artifact/reader.ts';
import { ArtifactWriter } from '../../scripts/artifact/writer.ts';
import { RefreshError } from '../../scripts/model/errors.ts';
import { Secret } from '../../scripts/model/secret.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'staging-refresh-damage-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Only the file's own parts are looked at here: what the index says of a database is not. */
const about = {
  runId: 'run',
  madeAt: '2026-11-22T02:00:00.000Z',
  production: { database: 'shop', version: '17.6', versionNumber: 170006 },
  content: 'copied',
  locale: '',
  settings: [],
  userSchemas: [],
  searchPath: 'public',
  catalog: {},
  tables: [],
  views: [],
  archive: { preData: [], postData: [], leftOut: [] },
  ownership: {},
  counted: [],
  preserved: {},
  constraints: [],
} as unknown as Omit<ArtifactIndex, 'format' | 'pieces'>;

async function smallArtifact(name: string, recipient?: string): Promise<string> {
  const path = join(folder, name);
  await using writer = await ArtifactWriter.create({ path, temporary: folder, recipient, atOnce: 4 });
  await writer.definitions('create table t (id int);\n');
  const rows = writer.rows(1, 'copy t (id) from stdin');
  await rows.push(Buffer.from('1\n2'));
  await rows.push(Buffer.from('3\n4\n'));
  await rows.end();
  await writer.attach(Buffer.from('archive'));
  await writer.finish(about);
  return path;
}

/** Opens and proves it as restore does before it looks at staging. */
async function isSound(path: string, identity?: string): Promise<boolean> {
  try {
    await using reader = await ArtifactReader.open(path, identity ? new Secret(identity) : undefined);
    if (!reader) return false;
    await reader.prove(() => undefined, new AbortController().signal);
    return true;
  } catch (error) {
    assert(error instanceof RefreshError && error.code === 'bad-file', String(error));
    return false;
  }
}

test('every flipped byte and every truncation point of a small artifact is found', async (t) => {
  const identity = await generateX25519Identity();
  for (const [kind, recipient] of [
    ['clear', undefined],
    ['encrypted', await identityToRecipient(identity)],
  ] as const) {
    await t.test(kind, async () => {
      const sound = await readFile(await smallArtifact(`${kind}.sql.zst`, recipient));
      const path = join(folder, `${kind}-damaged`);
      const key = recipient ? identity : undefined;
      await writeFile(path, sound);
      assert.equal(await isSound(path, key), true);
      for (let position = 0; position < sound.length; position++) {
        const damaged = Buffer.from(sound);
        damaged[position] = (damaged[position] ?? 0) ^ (1 << (position % 8));
        await writeFile(path, damaged);
        assert.equal(await isSound(path, key), false, `byte ${position} of ${sound.length}`);
      }
      for (let length = 0; length < sound.length; length++) {
        await writeFile(path, sound.subarray(0, length));
        assert.equal(await isSound(path, key), false, `cut after ${length} of ${sound.length}`);
      }
      await writeFile(path, Buffer.concat([sound, Buffer.from('\0')]));
      assert.equal(await isSound(path, key), false, 'one byte too many');
    });
  }
});

test('a newer format is refused, a foreign file is not ours', async () => {
  const newer = await readFile(await smallArtifact('newer.sql.zst'));
  newer.write('2', newer.indexOf('format 1') + 'format '.length);
  const path = join(folder, 'newer');
  await writeFile(path, newer);
  await assert.rejects(ArtifactReader.open(path, undefined), /it has format 2/);
  await writeFile(path, 'select 1;');
  assert.equal(await ArtifactReader.open(path, undefined), undefined);
});

test('rows come back as they were, frame by frame, without the SQL around them', async () => {
  await using reader = await ArtifactReader.open(await smallArtifact('rows.sql.zst'), undefined);
  const pieces = reader?.index.pieces.filter(({ kind }) => kind === 'rows') ?? [];
  const chunks: Buffer[] = [];
  for (const { frame } of pieces) for await (const chunk of reader?.rows(frame) ?? []) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), '1\n23\n4\n');
  assert.equal((await reader?.attachment())?.toString(), 'archive');
});

test('Node’s own decoder stops after the first frame: the reason why ours reads frame by frame', async () => {
  const file = await readFile(await smallArtifact('first.sql.zst'));
  let content = '';
  try {
    content = zstdDecompressSync(file).toString();
  } catch {
    content = '';
  }
  assert(!content.includes('1\n23\n4\n'));
});

test('an artifact that is not finished leaves no file', async () => {
  const path = join(folder, 'unfinished', 'a.sql.zst');
  {
    await using writer = await ArtifactWriter.create({
      path,
      temporary: folder,
      recipient: undefined,
      atOnce: 4,
    });
    await writer.definitions('select 1;\n');
  }
  assert.deepEqual(await readdir(join(folder, 'unfinished')), []);
});

test('rows of any shape are cut at their ends', async () => {
  const path = join(folder, 'cut.sql.zst');
  await using writer = await ArtifactWriter.create({
    path,
    temporary: folder,
    recipient: undefined,
    atOnce: 4,
  });
  const rows = writer.rows(7, 'copy t from stdin');
  const long = `${'x'.repeat(40 * 1024 * 1024)}\n`;
  const given = [
    `${'a\n'.repeat(3_000_000)}`,
    long,
    'short\n',
    `${'b'.repeat(5 * 1024 * 1024)}\n`,
    long,
    'end\n',
  ].join('');
  const bytes = Buffer.from(given);
  for (let from = 0; from < bytes.length; from += 100_003)
    await rows.push(bytes.subarray(from, from + 100_003));
  await rows.end();
  await writer.attach(Buffer.from('archive'));
  await writer.finish(about);
  await using reader = await ArtifactReader.open(path, undefined);
  await reader?.prove(() => undefined, new AbortController().signal);
  const chunks: Buffer[] = [];
  for (const { kind, frame } of reader?.index.pieces ?? []) {
    if (kind !== 'rows') continue;
    const frameRows: Buffer[] = [];
    for await (const chunk of reader?.rows(frame) ?? []) frameRows.push(chunk);
    assert.equal(frameRows.at(-1)?.at(-1), 0x0a, 'a frame ends in the middle of a row');
    chunks.push(...frameRows);
  }
  assert(Buffer.concat(chunks).equals(bytes));
});
