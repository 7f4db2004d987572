import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import {
  greetingFrame,
  indexFrame,
  indexFrameLength,
  pack,
  packedIndexOf,
  skippable,
  trailerBytes,
} from '../../scripts/artifact/format.ts';
import { indexSchema } from '../../scripts/artifact/index-schema.ts';
import { ArtifactReader } from '../../scripts/artifact/reader.ts';
import { ArtifactWriter } from '../../scripts/artifact/writer.ts';
import { RefreshError } from '../../scripts/model/errors.ts';
import { Secret } from '../../scripts/model/secret.ts';
import { aboutSmallArtifact, writeSmallArtifact } from './small-artifact.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'staging-refresh-damage-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const smallArtifact = (name: string, recipient?: string) =>
  writeSmallArtifact(join(folder, name), { recipient });

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

test('whole frames that are swapped, missing, twice, made anew or somebody else’s are found', async () => {
  const name = await smallArtifact('frames.sql.zst');
  const sound = await readFile(name);
  const length = indexFrameLength(sound.subarray(-trailerBytes), sound.length, name);
  const index = indexSchema.parse(
    JSON.parse(zstdDecompressSync(packedIndexOf(sound.subarray(-length), name)).toString()),
  );
  const frames = index.pieces.map(({ frame }) => sound.subarray(frame.offset, frame.offset + frame.length));
  const [definitions = sound, rows = sound, archive = sound] = frames;
  const between = (...middle: Buffer[]) =>
    Buffer.concat([greetingFrame(), ...middle, sound.subarray(-length)]);
  assert(between(definitions, rows, archive).equals(sound));
  const edited = zstdDecompressSync(rows).toString().replace('23', '24');
  const damaged = {
    swapped: between(rows, definitions, archive),
    missing: between(definitions, archive),
    twice: between(definitions, rows, rows, archive),
    anew: between(definitions, zstdCompressSync(edited), archive),
    appended: Buffer.concat([sound, await readFile(await smallArtifact('another.sql.zst'))]),
    'with more SQL': Buffer.concat([sound, zstdCompressSync('select 1;')]),
    'behind another frame': Buffer.concat([skippable(Buffer.from('x')), sound]),
  };
  const path = join(folder, 'other-frames');
  for (const [what, content] of Object.entries(damaged)) {
    await writeFile(path, content);
    assert.equal(await isSound(path), false, what);
  }
});

test('a newer format is refused, a foreign file is not ours, and what is no file is not waited for', async () => {
  const sound = await readFile(await smallArtifact('newer.sql.zst'));
  const length = indexFrameLength(sound.subarray(-trailerBytes), sound.length, '');
  const path = join(folder, 'newer');
  const newer = Buffer.from(sound);
  newer.write('2', newer.indexOf('format 1') + 'format '.length);
  const newerIndex = await pack(Buffer.from('{"format": 2, "unheard": "of"}'));
  for (const content of [newer, Buffer.concat([sound.subarray(0, -length), indexFrame(newerIndex)])]) {
    await writeFile(path, content);
    await assert.rejects(ArtifactReader.open(path, undefined), /it has format 2/);
  }
  const pipe = join(folder, 'pipe');
  spawnSync('mkfifo', [pipe]);
  for (const noFile of [pipe, folder, '/dev/null'])
    await assert.rejects(ArtifactReader.open(noFile, undefined), /the file can’t be read/);
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
      databaseId: 'shop',
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
    databaseId: 'shop',
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
  await using sink = await writer.complete(aboutSmallArtifact('shop'));
  await sink.finish();
  await using reader = await ArtifactReader.open(path, undefined);
  await reader?.prove(() => undefined, new AbortController().signal);
  const chunks: Buffer[] = [];
  for (const { kind, frame } of reader?.index.pieces ?? []) {
    if (kind !== 'rows') continue;
    const frameRows: Buffer[] = [];
    for await (const chunk of reader?.rows(frame) ?? []) frameRows.push(chunk);
    const lines = Buffer.concat(frameRows).toString('latin1').split('\n');
    const longest = lines.reduce((most, { length }) => Math.max(most, length), 0);
    assert(frame.bytes - longest < 3 * 1024 * 1024, 'without its longest row a frame is a small one');
    assert.equal(frameRows.at(-1)?.at(-1), 0x0a, 'a frame ends in the middle of a row');
    chunks.push(...frameRows);
  }
  assert(Buffer.concat(chunks).equals(bytes));
});
