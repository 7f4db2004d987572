import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { compression } from './format.ts';

/** Members of an array that become text together. */
const membersAtOnce = 500;

/** One zstd frame with a value's JSON. Its text is never there as a whole: of 10,000 tables it is tens of megabytes. */
export async function packJson(value: unknown): Promise<Buffer> {
  const packed: Buffer[] = [];
  await pipeline(
    Readable.from(jsonPieces(value)),
    createZstdCompress({ params: compression }),
    async (pieces: AsyncIterable<Buffer>) => {
      for await (const piece of pieces) packed.push(piece);
    },
  );
  return Buffer.concat(packed);
}

/** JSON.stringify's text, bit by bit. */
export function* jsonPieces(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    yield '[';
    for (let first = 0; first < value.length; first += membersAtOnce) {
      const members = JSON.stringify(value.slice(first, first + membersAtOnce)).slice(1, -1);
      yield first > 0 ? `,${members}` : members;
    }
    yield ']';
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    yield '{';
    for (const [index, [name, member]] of members.entries()) {
      yield `${index > 0 ? ',' : ''}${JSON.stringify(name)}:`;
      yield* jsonPieces(member);
    }
    yield '}';
  } else yield JSON.stringify(value);
}
