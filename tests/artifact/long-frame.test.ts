import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { sha256 } from '../../scripts/artifact/format.ts';
import { FrameWriter } from '../../scripts/artifact/frame-writer.ts';
import { Sink } from '../../scripts/artifact/sink.ts';
import { testFolder } from '../support/servers.ts';

const wrapping = { head: 'COPY t FROM STDIN;\n', tail: '\\.\n' };
const row = Buffer.from(
  `${Array.from({ length: 400_000 }, (_, i) => sha256(Buffer.from(`${i}`)).toString('hex')).join('')}\n`,
);

test('a row that does not fit in memory has no name on the disk, and comes out whole', async () => {
  const { folder, temporary, sink, frames } = await writing();
  const long = await frames.beginLong('rows', 7, wrapping);
  await long.push(row.subarray(0, 20_000_000));
  assert.deepEqual(readdirSync(temporary), []);
  assert.equal(unnamed(temporary), 1);
  await long.push(row.subarray(20_000_000));
  await long.end();
  assert.deepEqual(readdirSync(temporary), []);
  assert.equal(unnamed(temporary), 0);
  await frames.close();
  const { path } = await sink.finish();
  assert.deepEqual(readdirSync(folder).sort(), ['artifact', 'temporary']);

  const file = readFileSync(path);
  const [piece, ...others] = frames.pieces;
  assert.deepEqual(others, []);
  const { offset, length, sha256: hash, bytes, head, tail } = piece?.frame ?? assert.fail('no piece');
  const stored = file.subarray(offset, offset + length);
  assert.equal(file.length, offset + length);
  assert.equal(sha256(stored).toString('hex'), hash);
  const whole = Buffer.concat([Buffer.from(wrapping.head), row, Buffer.from(wrapping.tail)]);
  assert.ok(zstdDecompressSync(stored).equals(whole), 'the row differs');
  assert.deepEqual([bytes, head, tail], [whole.length, wrapping.head.length, wrapping.tail.length]);
});

test('a row that is given up gives its room back', async () => {
  const { folder, temporary, sink, frames } = await writing();
  const long = await frames.beginLong('rows', 7, wrapping);
  await long.push(row);
  await frames.close();
  await sink[Symbol.asyncDispose]();
  assert.equal(unnamed(temporary), 0);
  assert.deepEqual(readdirSync(folder), ['temporary']);
});

async function writing() {
  const folder = await mkdtemp(join(await testFolder(), 'frames-'));
  const temporary = join(folder, 'temporary');
  await mkdir(temporary);
  const sink = await Sink.create(join(folder, 'artifact'), undefined);
  return { folder, temporary, sink, frames: new FrameWriter(sink, temporary, 2) };
}

/** How many files of a folder this process has open that have no name there any more. */
function unnamed(folder: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) && target.endsWith(' (deleted)');
    } catch {
      return false;
    }
  }).length;
}
