import type { Writable } from 'node:stream';

/** Writes everything and ends the stream; stops, and lets go of the source, as soon as the stream is gone. */
export async function feed(stream: Writable, chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of chunks) {
    if (stream.destroyed) return;
    if (!stream.write(chunk)) await room(stream);
  }
  if (!stream.destroyed) stream.end();
}

/** A stream that fails never drains: it closes. */
function room(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
