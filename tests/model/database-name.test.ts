import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  besideName,
  formatMarker,
  looksBeside,
  type Marker,
  makeRunId,
  parseMarker,
} from '../../scripts/model/database-name.ts';

const run = makeRunId(new Date('2026-11-22T19:30:00.123Z'), '1a2b');

test('a run is named by its time', () => {
  assert.equal(run, '20261122T193000_1a2b');
});

test('a name beside the live one fits into 63 bytes and is recognised', () => {
  const next = '__next_20261122t193000_1a2b';
  const previous = '__previous_20261122t193000_1a2b';
  const names: [string, string, string][] = [
    ['shop', `shop${next}`, `shop${previous}`],
    ['a', `a${next}`, `a${previous}`],
    ['x'.repeat(63), `${'x'.repeat(36)}${next}`, `${'x'.repeat(32)}${previous}`],
    ['x'.repeat(36), `${'x'.repeat(36)}${next}`, `${'x'.repeat(32)}${previous}`],
    // Two bytes each: never half a character.
    [`${'é'.repeat(31)}x`, `${'é'.repeat(18)}${next}`, `${'é'.repeat(16)}${previous}`],
    [`x${'é'.repeat(31)}`, `x${'é'.repeat(17)}${next}`, `x${'é'.repeat(15)}${previous}`],
    // Four bytes each, two UTF-16 units each.
    ['🙂'.repeat(15), `${'🙂'.repeat(9)}${next}`, `${'🙂'.repeat(8)}${previous}`],
    ['with "quote" \\ and space', `with "quote" \\ and space${next}`, `with "quote" \\ and space${previous}`],
  ];
  for (const [live, expectedNext, expectedPrevious] of names) {
    assert.equal(besideName(live, 'next', run), expectedNext);
    assert.equal(besideName(live, 'previous', run), expectedPrevious);
    for (const name of [expectedNext, expectedPrevious]) {
      assert.ok(Buffer.byteLength(name) <= 63);
      assert.ok(looksBeside(live, name), name);
    }
  }
});

test('what only resembles such a name is somebody else’s', () => {
  for (const name of [
    'shop',
    'shop__next_',
    'shop__next_20261122T193000_1a2b',
    'shop__next_20261122t193000_1a2',
    'shop__next_20261122t193000_1a2b_copy',
    'shop__other_20261122t193000_1a2b',
    'shopping__next_20261122t193000_1a2b',
    'sho__next_20261122t193000_1a2b',
    'next_20261122t193000_1a2b',
    'SHOP__next_20261122t193000_1a2b',
  ])
    assert.equal(looksBeside('shop', name), false, name);
});

test('a marker survives the comment, whatever the database was called and said', () => {
  const marker: Marker = {
    kind: 'previous',
    of: `we"ird \\ 'name' é`,
    run,
    at: '2026-11-22T19:30:00.123Z',
    comment: 'staging-refresh {"kind":"next"}\n\' é',
  };
  assert.deepEqual(parseMarker(formatMarker(marker)), marker);
  assert.deepEqual(parseMarker(formatMarker({ ...marker, comment: null })), { ...marker, comment: null });
});

test('a comment of somebody else’s is no marker', () => {
  const whole = { kind: 'next', of: 'shop', run, at: '2026-11-22T19:30:00.123Z', comment: null };
  for (const comment of [
    null,
    '',
    'Our staging',
    'staging-refresh',
    'staging-refresh ',
    'staging-refresh {',
    'staging-refresh null',
    'staging-refresh []',
    'staging-refresh "next"',
    ` ${formatMarker({ ...whole, kind: 'next' })}`,
    `staging-refresh ${JSON.stringify({ ...whole, kind: 'live' })}`,
    `staging-refresh ${JSON.stringify({ ...whole, of: 7 })}`,
    `staging-refresh ${JSON.stringify({ ...whole, run: undefined })}`,
    `staging-refresh ${JSON.stringify({ ...whole, at: null })}`,
  ])
    assert.equal(parseMarker(comment), undefined, String(comment));
});
