import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack } from '../../scripts/artifact/format.ts';
import { FrameDecompressor } from '../../scripts/artifact/frame-decompressor.ts';

test('one decompressor reads one frame after the other, wherever its bytes are cut', async () => {
  const decompressor = new FrameDecompressor('test');
  try {
    for (const [bytes, step] of [
      [0, 100],
      [1, 1],
      [300, 7],
      [262_144, 1000],
      [9_000_000, 1_048_576],
      [3, 2],
    ] as const) {
      const wanted = noise(bytes);
      const frame = await pack(wanted);
      assert.equal(decompressor.over, false);
      const memory = Buffer.alloc(step);
      const pieces: Buffer[] = [];
      for (let from = 0; from < frame.length; from += step) {
        // The memory is the caller's again after each push.
        const length = frame.copy(memory, 0, from, from + step);
        for await (const piece of decompressor.push(memory.subarray(0, length))) pieces.push(piece);
      }
      assert.ok(Buffer.concat(pieces).equals(wanted), `${bytes} bytes`);
    }
  } finally {
    decompressor.close();
  }
});

test('bytes that are no frame are refused', async () => {
  const altered = await pack(noise(1000));
  altered.writeUInt8(altered.readUInt8(200) ^ 1, 200);
  for (const bytes of [Buffer.from('no zstd at all'), altered]) {
    const decompressor = new FrameDecompressor('some/file');
    await assert.rejects(all(decompressor.push(bytes)), { code: 'bad-file', object: 'some/file' });
    decompressor.close();
  }
});

test('after a frame that something follows it is over, and the frame is whole', async () => {
  const wanted = noise(300_000);
  const decompressor = new FrameDecompressor('test');
  const frame = await pack(wanted);
  const content = await all(decompressor.push(Buffer.concat([frame, await pack(Buffer.alloc(0))])));
  assert.ok(content.equals(wanted));
  assert.equal(decompressor.over, true);
  decompressor.close();
});

/** What compresses to about half. */
function noise(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at + 8 <= bytes; at += 16) content.writeDoubleLE(Math.sin(at), at);
  return content;
}

async function all(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}
