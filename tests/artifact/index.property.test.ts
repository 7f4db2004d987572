import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  contentOfSkippable,
  greetingFrame,
  indexFrame,
  indexFrameLength,
  isArtifact,
  packedIndexOf,
  trailerBytes,
} from '../../scripts/artifact/format.ts';
import { indexSchema } from '../../scripts/artifact/index-schema.ts';
import { jsonPieces } from '../../scripts/artifact/index-text.ts';
import { RefreshError } from '../../scripts/model/errors.ts';
import { fc } from '../support/property.ts';

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

test('an index comes back from the end of a file as it was put there', () => {
  fc.assert(
    fc.property(bytes, bytes, (before, packed) => {
      const file = Buffer.concat([greetingFrame(), before, indexFrame(packed)]);
      assert.deepEqual(indexOf(file), packed);
    }),
  );
});

test('the index is the text that JSON.stringify gives, in pieces', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(1200), (value, length) => {
      const whole = { value, missing: undefined, many: Array.from({ length }, () => value) };
      assert.equal([...jsonPieces(whole)].join(''), JSON.stringify(whole));
    }),
    { numRuns: 30 },
  );
});

test('a file that was cut or of whose index one bit was changed is refused', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.nat(), fc.nat(7), fc.boolean(), (before, packed, at, bit, shorter) => {
      const frame = indexFrame(packed);
      const file = Buffer.concat([greetingFrame(), before, frame]);
      if (shorter) {
        const length = at % file.length;
        refused(() => indexOf(file.subarray(0, length)));
      } else {
        const place = file.length - 1 - (at % frame.length);
        file.writeUInt8(file.readUInt8(place) ^ (1 << bit), place);
        refused(() => indexOf(file));
      }
    }),
    { numRuns: 500 },
  );
});

test('any bytes are an artifact’s beginning or not, or of a newer format', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        bytes,
        bytes.map((tail) => Buffer.concat([greetingFrame().subarray(0, 40), tail])),
      ),
      (start) => {
        try {
          assert.equal(typeof isArtifact(start, 'file'), 'boolean');
        } catch (error) {
          assert(error instanceof RefreshError && error.code === 'bad-file', String(error));
        }
      },
    ),
  );
});

test('any JSON is an index or is refused by its schema without anything else happening', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      assert.equal(typeof indexSchema.safeParse(value).success, 'boolean'),
    ),
  );
});

/** As the reader does it: the trailer first, then the frame that it tells of. */
function indexOf(file: Buffer): Buffer {
  if (file.length < trailerBytes) throw new RefreshError('bad-file', 'too short');
  const length = indexFrameLength(file.subarray(file.length - trailerBytes), file.length, 'file');
  return packedIndexOf(file.subarray(file.length - length), 'file');
}

function refused(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    assert(error instanceof RefreshError && error.code === 'bad-file', String(error));
    return;
  }
  assert.fail('it was taken for whole');
}

test('a skippable frame is one or is refused', () => {
  fc.assert(
    fc.property(bytes, (frame) => refused(() => contentOfSkippable(frame, 'file'))),
    { numRuns: 200 },
  );
});
