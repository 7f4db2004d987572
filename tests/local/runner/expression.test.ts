import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, interpolate, isWanted } from '../../../scripts/local/runner/expression.ts';

const contexts = {
  github: { event_name: 'schedule', event: { schedule: '0 2 * * 0' } },
  inputs: { jobs: '4', dry_run: false, debug: true },
  steps: { refresh: { outcome: 'failure' } },
  needs: {},
};
const well = { failed: false, cancelled: false };

test('values, comparisons and their order, as GitHub documents them', () => {
  for (const [text, expected] of [
    ["github.event_name == 'SCHEDULE'", true],
    ["github.event.schedule != '37 6 * * *'", true],
    ['inputs.dry_run', false],
    ['!inputs.dry_run', true],
    ['!inputs.nowhere', true],
    ["inputs.nowhere == ''", true],
    ["inputs.nowhere || 'other'", 'other'],
    ['inputs.debug && inputs.jobs', '4'],
    ["needs.hold.outputs.held != 'true'", true],
    ["(true || false) && 'it''s'", "it's"],
    ['1 == true', true],
  ] as const)
    assert.equal(evaluate(text, contexts, well), expected, text);
});

test('texts are filled in', () => {
  const [jobs, nowhere, debug] = [' inputs.jobs ', ' inputs.nowhere ', 'inputs.debug'].map(
    (name) => `\${{${name}}}`,
  );
  assert.equal(interpolate(`a ${jobs} ${nowhere} ${debug}`, contexts, well), 'a 4  true');
});

test('after a failure or a cancel only those go on that ask for it', () => {
  const failed = { failed: true, cancelled: false };
  const cancelled = { failed: false, cancelled: true };
  for (const [condition, ...expected] of [
    [undefined, true, false, false],
    ['inputs.debug', true, false, false],
    ['inputs.dry_run', false, false, false],
    ['always()', true, true, true],
    ["always() && steps.refresh.outcome != 'skipped'", true, true, true],
    ['!cancelled()', true, true, false],
    ['failure()', false, true, false],
    ['cancelled()', false, false, true],
  ] as const) {
    const found = [well, failed, cancelled].map((standing) => isWanted(condition, contexts, standing));
    assert.deepEqual(found, expected, condition);
  }
});

test('what is not understood is an error, never false', () => {
  for (const text of ['fromJSON(1)', 'matrix.os', "inputs.jobs > '2'", '(true', 'true true'])
    assert.throws(() => evaluate(text, contexts, well), Error, text);
});
