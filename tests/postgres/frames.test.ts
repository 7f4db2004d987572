import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CopyDataFilter, copyDone } from '../../scripts/postgres/frames.ts';

/** A message of protocol 3.0: type, length that counts itself, body. */
function message(type: string, body: string | Buffer): Buffer {
  const payload = Buffer.from(body);
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeUInt32BE(payload.length + 4, 1);
  return Buffer.concat([header, payload]);
}

interface Output {
  /** What came out in order: payloads run together, and bytes of other messages run together. */
  readonly events: readonly { readonly kind: 'rows' | 'other'; readonly bytes: string }[];
  readonly messages: readonly Buffer[];
}

function pass(chunks: readonly Buffer[]): Output {
  const events: { kind: 'rows' | 'other'; bytes: string }[] = [];
  const messages: Buffer[] = [];
  const add = (kind: 'rows' | 'other', bytes: Buffer) => {
    const last = events.at(-1);
    if (last?.kind === kind) last.bytes += bytes.toString('latin1');
    else events.push({ kind, bytes: bytes.toString('latin1') });
  };
  const filter = new CopyDataFilter(
    (copyData) => {
      messages.push(copyData);
      add('rows', copyData.subarray(5));
    },
    (other) => add('other', Buffer.from(other)),
  );
  for (const chunk of chunks) filter.push(chunk);
  filter.flush();
  return { events, messages };
}

const copyOutResponse = message('H', Buffer.from([0, 0, 2, 0, 0, 0, 0]));
const notice = message('N', 'SNOTICE\0Mhello d\0\0');
const parameterStatus = message('S', 'TimeZone\0UTC\0');
const commandComplete = message('C', 'COPY 4\0');
const readyForQuery = message('Z', 'I');
const done = message('c', '');

/** An answer as a server sends it: rows with a notice in their midst, a row without bytes, one with bytes like headers. */
const recorded = Buffer.concat([
  copyOutResponse,
  message('d', '1\tone\n'),
  message('d', ''),
  notice,
  parameterStatus,
  message('d', 'd\0\0\0\u0005d\n'),
  message('d', '\n'),
  done,
  commandComplete,
  readyForQuery,
]);
const expected = [
  { kind: 'other', bytes: copyOutResponse.toString('latin1') },
  { kind: 'rows', bytes: '1\tone\n' },
  { kind: 'other', bytes: Buffer.concat([notice, parameterStatus]).toString('latin1') },
  { kind: 'rows', bytes: 'd\0\0\0\u0005d\n\n' },
  { kind: 'other', bytes: Buffer.concat([done, commandComplete, readyForQuery]).toString('latin1') },
];

test('a recorded answer comes out the same wherever one or two cuts fall', () => {
  assert.deepEqual(pass([recorded]).events, expected);
  for (let first = 0; first <= recorded.length; first++) {
    for (let second = first; second <= recorded.length; second++) {
      const chunks = [
        recorded.subarray(0, first),
        recorded.subarray(first, second),
        recorded.subarray(second),
      ];
      assert.deepEqual(pass(chunks).events, expected, `cuts at ${first} and ${second}`);
    }
  }
});

test('a recorded answer comes out the same in chunks of any one size', () => {
  for (let size = 1; size <= recorded.length; size++) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < recorded.length; at += size) chunks.push(recorded.subarray(at, at + size));
    assert.deepEqual(pass(chunks).events, expected, `chunks of ${size}`);
  }
});

test('every message that leaves is a whole CopyData message', () => {
  for (const size of [1, 3, 7, 1000]) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < recorded.length; at += size) chunks.push(recorded.subarray(at, at + size));
    for (const copyData of pass(chunks).messages) {
      assert.equal(String.fromCharCode(copyData[0] ?? 0), 'd');
      assert.equal(copyData.readUInt32BE(1), copyData.length - 1);
      assert.ok(copyData.length > 5, 'an empty message carries nothing');
    }
  }
});

test('the rows of one chunk leave as one message, and a row larger than many chunks in pieces', () => {
  const small = Buffer.concat(['a\n', 'b\n', 'c\n'].map((row) => message('d', row)));
  assert.equal(pass([small]).messages.length, 1);

  const row = Buffer.alloc(1_000_003, 'abcdefg');
  const large = Buffer.concat([message('d', row), message('d', 'next\n'), done]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < large.length; at += 65_536) chunks.push(large.subarray(at, at + 65_536));
  const { events, messages } = pass(chunks);
  assert.equal(messages.length, chunks.length);
  assert.equal(events.length, 2);
  assert.ok(events[0]?.bytes === `${row.toString('latin1')}next\n`, 'the rows differ');
  assert.equal(events[1]?.bytes, done.toString('latin1'));
});

test('a message stays as it is when the chunk that it came in is used again', () => {
  const chunk = Buffer.from(message('d', 'first\n'));
  const { messages } = pass([chunk]);
  chunk.fill(0);
  assert.equal(messages[0]?.subarray(5).toString(), 'first\n');
});

test('an other message whose body is cut off from its header stays in order', () => {
  const stream = Buffer.concat([message('d', 'x\n'), notice]);
  const { events } = pass([stream.subarray(0, 12), stream.subarray(12)]);
  assert.deepEqual(events, [
    { kind: 'rows', bytes: 'x\n' },
    { kind: 'other', bytes: notice.toString('latin1') },
  ]);
});

test('CopyDone is the message of the manual', () => {
  assert.deepEqual(copyDone, done);
});
