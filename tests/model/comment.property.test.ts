import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMarker, type Marker, parseMarker } from '../../scripts/model/database-name.ts';
import { commentWith, runsOfComment } from '../../scripts/model/history.ts';
import { fc } from '../support/property.ts';

const text = fc.string({ unit: 'binary', maxLength: 30 });
/** As JSON gives it. */
const plain = { noNullPrototype: true };
const overtaken = fc.record({ run: text, at: text, artifact: fc.option(text) }, plain);
const marker: fc.Arbitrary<Marker> = fc
  .record(
    {
      kind: fc.constantFrom('next' as const, 'previous' as const),
      of: text,
      run: text,
      at: text,
      comment: fc.option(text),
      overtaken: fc.option(overtaken),
    },
    plain,
  )
  .map(({ overtaken: later, ...rest }) => (later ? { ...rest, overtaken: later } : rest));

test('a mark is read as it was written', () => {
  fc.assert(fc.property(marker, (written) => assert.deepEqual(parseMarker(formatMarker(written)), written)));
});

test('a comment is a mark of the right shape or none', () => {
  const names = ['kind', 'of', 'run', 'at', 'comment', 'overtaken', 'artifact', '__proto__'];
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('next', 'previous', 'x', 7, null, true),
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom(...names), tie('value')),
    ),
  }));
  /** A whole one, of which something is another. */
  const changed = fc
    .tuple(marker, fc.constantFrom(...names), value)
    .map(([whole, name, other]) => ({ ...whole, [name]: other }));
  const body = fc.oneof(changed, value).map((json) => JSON.stringify(json) ?? '');
  fc.assert(
    fc.property(fc.oneof(body, text), (words) => {
      const read = parseMarker(`staging-refresh ${words}`);
      if (read === undefined) return;
      const { kind, of, run, at, comment, overtaken: later } = read;
      assert.ok(kind === 'next' || kind === 'previous');
      for (const word of [
        of,
        run,
        at,
        comment ?? '',
        later?.run ?? '',
        later?.at ?? '',
        later?.artifact ?? '',
      ])
        assert.equal(typeof word, 'string', words);
    }),
    {
      numRuns: 1000,
      examples: [['{"kind":"previous","of":"app","run":"r","at":"t","comment":5}'], ['null'], ['[]']],
    },
  );
});

const figure = fc.oneof(
  fc.nat().map(String),
  fc.constantFrom('9'.repeat(400), '.', '1.2.3', '-1', 'NaN', ''),
);
const time = fc.oneof(
  fc.constantFrom('2026-11-22T02:00:00.000Z', '2026-99-99T99:99:99.999Z', 'tomorrowZ', `${'9'.repeat(30)}Z`),
  text,
);
const line = fc
  .tuple(time, figure, figure, figure, figure, figure, fc.constantFrom('20261122T020000_1a2b', '', 'x y'))
  .map(
    ([at, rows, tables, bytes, of, seconds, run]) =>
      `refreshed ${at}: ${rows} rows, ${tables} tables, ${bytes} bytes copied of ${of}, ${seconds} s (staging-refresh ${run})`,
  );

test('what a comment remembers of runs are numbers and a time, whoever has written it', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(line, text)), (lines) => {
      for (const run of runsOfComment(lines.join('\n'))) {
        assert.ok(!Number.isNaN(Date.parse(run.finishedAt)), run.finishedAt);
        for (const number of [run.rows, run.tables, run.bytes, run.seconds, run.sourceBytes ?? 0])
          assert.ok(Number.isFinite(number) && number >= 0, lines.join('\n'));
      }
    }),
    {
      numRuns: 500,
      examples: [[['refreshed xZ: 1 rows, 1 tables, 1 bytes copied of 1, . s (staging-refresh x)']]],
    },
  );
});

test('a run is remembered as it was, and what people wrote stays', () => {
  const run = fc.record(
    {
      runId: fc.constantFrom('20261122T020000_1a2b', '20261129T020000_3c4d'),
      finishedAt: fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date('2999-01-01') })
        .map((at) => at.toISOString()),
      outcome: fc.constant('published' as const),
      seconds: fc.nat(1_000_000).map((tenths) => tenths / 10),
      tables: fc.nat(),
      rows: fc.nat(),
      bytes: fc.nat(),
      sourceBytes: fc.option(fc.integer({ min: 1 })),
    },
    plain,
  );
  fc.assert(
    fc.property(text, run, (words, past) => {
      const comment = commentWith(words, past);
      assert.deepEqual(runsOfComment(comment).at(-1), past);
      assert.ok(comment.startsWith(words));
    }),
  );
});
