import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CopyDataFilter } from '../../scripts/postgres/frames.ts';
import { fc } from '../support/property.ts';

const payload = fc.uint8Array({ maxLength: 60 });
/** Types that a server sends while a COPY runs, CopyData most of all. */
const type = fc.constantFrom('d', 'd', 'd', 'N', 'S', 'C', 'Z', 'c', 'E', 'H');
const stream = fc.array(fc.record({ type, payload }), { maxLength: 20 });

test('however a stream is cut, rows and other messages come out whole and in order', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (messages, sizes) => {
      const bytes = Buffer.concat(messages.map((message) => frame(message.type, message.payload)));
      assert.deepEqual(pass(cut(bytes, sizes)), expected(messages));
    }),
    {
      numRuns: 500,
      examples: [
        // A row that looks like a header, cut in its middle.
        [[{ type: 'd', payload: Buffer.from('d\0\0\0\u0005x') }], [3, 2, 1]],
        [
          [
            { type: 'd', payload: new Uint8Array() },
            { type: 'N', payload: new Uint8Array() },
          ],
          [1],
        ],
      ],
    },
  );
});

test('one stream, cut at every byte boundary there is', () => {
  const messages = [
    { type: 'H', payload: Buffer.from([0, 0, 1, 0, 0]) },
    { type: 'd', payload: Buffer.from('1\tone\n') },
    { type: 'N', payload: Buffer.from('SNOTICE\0\0') },
    { type: 'd', payload: Buffer.from('d\0\0\0\u0004\n') },
    { type: 'c', payload: Buffer.alloc(0) },
    { type: 'Z', payload: Buffer.from('I') },
  ];
  const bytes = Buffer.concat(messages.map((message) => frame(message.type, message.payload)));
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const chunks = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
      assert.deepEqual(pass(chunks), expected(messages), `${first}, ${second}`);
    }
  }
});

interface Message {
  readonly type: string;
  readonly payload: Uint8Array;
}

/** Spelt apart from the filter: payloads of neighbours run together, everything else byte by byte. */
function expected(messages: readonly Message[]): string[] {
  const out: string[] = [];
  let before = '';
  for (const { type, payload } of messages) {
    const kind = type === 'd' ? 'rows' : 'other';
    const text = (type === 'd' ? Buffer.from(payload) : frame(type, payload)).toString('latin1');
    if (text === '') continue;
    if (kind === before) out[out.length - 1] += text;
    else out.push(`${kind}:${text}`);
    before = kind;
  }
  return out;
}

function pass(chunks: readonly Buffer[]): string[] {
  const passed: { readonly kind: string; readonly bytes: Buffer }[] = [];
  const filter = new CopyDataFilter(
    (message) => {
      assert.equal(message[0], 0x64);
      assert.equal(message.readUInt32BE(1), message.length - 1);
      passed.push({ kind: 'rows', bytes: Buffer.from(message.subarray(5)) });
      // Its memory is used again, so whoever keeps a part of it would see other rows.
      filter.giveBack(message);
    },
    // As pg's parser does, which keeps what it is given until a message is whole.
    (bytes) => passed.push({ kind: 'other', bytes }),
  );
  for (const [turn, chunk] of chunks.entries()) {
    filter.push(chunk);
    if (turn % 3 === 2) filter.flush();
  }
  filter.flush();
  return runTogether(passed);
}

function runTogether(passed: readonly { readonly kind: string; readonly bytes: Buffer }[]): string[] {
  const out: string[] = [];
  let before = '';
  for (const { kind, bytes } of passed) {
    if (bytes.length === 0) continue;
    if (kind === before) out[out.length - 1] += bytes.toString('latin1');
    else out.push(`${kind}:${bytes.toString('latin1')}`);
    before = kind;
  }
  return out;
}

function frame(type: string, body: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(from, from + size));
    from += size;
  }
  return chunks;
}
