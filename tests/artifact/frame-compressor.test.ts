import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unpack } from '../../scripts/artifact/format.ts';
import { FrameCompressor } from '../../scripts/artifact/frame-compressor.ts';

test('one compressor makes one whole frame after the other, none, small and large', async () => {
  const compressor = new FrameCompressor();
  try {
    for (const bytes of [0, 1, 100, 70_000, 9_000_000, 3, 4_500_000]) {
      const content = Buffer.alloc(bytes);
      for (let at = 0; at + 8 <= bytes; at += 8) content.writeDoubleLE(Math.sin(at), at);
      const wanted = Buffer.from(content);
      const frame = await compressor.compress(content);
      // The memory is the caller's again.
      content.fill(0);
      assert.ok((await unpack(frame, bytes, 'test')).equals(wanted), `${bytes} bytes`);
    }
  } finally {
    compressor.close();
  }
});
