import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  changeOf,
  commentWith,
  contentOf,
  estimateSeconds,
  lastPublished,
  mergeRuns,
  type PastRun,
  runsOfComment,
  trendOf,
} from '../../scripts/model/history.ts';

function run(week: number, changes: Partial<PastRun> = {}): PastRun {
  const day = new Date(Date.UTC(2026, 0, 4 + 7 * week, 2, 0, 31));
  return {
    runId: `${day.toISOString().slice(0, 10).replaceAll('-', '')}T020000_00ff`,
    finishedAt: day.toISOString(),
    outcome: 'published',
    seconds: 100,
    tables: 12,
    rows: 1000,
    bytes: 50_000,
    sourceBytes: 70_000,
    ...changes,
  };
}

test('a comment remembers the last eight runs below what people wrote', () => {
  let comment: string | null = 'staging of the shop\nask Sam';
  for (let week = 0; week < 12; week++) comment = commentWith(comment, run(week));
  assert.ok(
    comment.startsWith('staging of the shop\nask Sam\nrefreshed 2026-02-01T02:00:31.000Z: 1000 rows'),
  );
  assert.deepEqual(
    runsOfComment(comment),
    [4, 5, 6, 7, 8, 9, 10, 11].map((week) => run(week)),
  );
});

test('a comment that nobody wrote, and one that only looks like ours', () => {
  assert.deepEqual(runsOfComment(null), []);
  assert.deepEqual(runsOfComment(''), []);
  assert.deepEqual(runsOfComment('refreshed yesterday by Sam (staging-refresh)'), []);
  assert.equal(commentWith(null, run(0)).split('\n').length, 1);
  for (const one of [run(0, { sourceBytes: null }), run(0, { underPolicy: true })])
    assert.deepEqual(runsOfComment(commentWith(null, one)), [one]);
});

test('a comment remembers rollbacks and restores beside the refreshes, and whose content staging has', () => {
  const at = (minute: number) => ({ id: `run_${minute}`, finishedAt: `2026-03-01T00:0${minute}:00.000Z` });
  const back = changeOf(at(1), 'rolled back', run(0).runId);
  const first = changeOf(at(2), 'rolled back', undefined);
  const restored = changeOf(at(3), 'restored', 'a (b)\n.sql.zst');
  const steps = [run(0), run(1), back, first, restored];
  const contents = [run(0).runId, run(1).runId, run(0).runId, undefined, 'run_3'];
  let comment: string | null = 'ask Sam\nrolled back by hand in May';
  for (const [index, step] of steps.entries()) {
    comment = commentWith(comment, step);
    assert.equal(contentOf(runsOfComment(comment)), contents[index]);
  }
  assert.deepEqual(comment.split('\n').slice(4), [
    `rolled back 2026-03-01T00:01:00.000Z: to ${run(0).runId} (staging-refresh run_1)`,
    'rolled back 2026-03-01T00:02:00.000Z (staging-refresh run_2)',
    'restored 2026-03-01T00:03:00.000Z: from a (b)?.sql.zst (staging-refresh run_3)',
  ]);
  assert.deepEqual(runsOfComment(comment), [...steps.slice(0, 4), { ...restored, from: 'a (b)?.sql.zst' }]);
  for (let week = 2; week < 20; week++) comment = commentWith(comment, run(week));
  assert.equal(runsOfComment(comment).filter(({ outcome }) => outcome === 'published').length, 8);
  assert.ok(comment.startsWith('ask Sam\nrolled back by hand in May\n'), 'what people wrote stays');
});

test('each run once, oldest first; the last published one is no failed one', () => {
  const failed = run(3, { outcome: 'failed', error: 'brake' });
  const merged = mergeRuns([failed, run(1)], [run(2), run(1, { rows: 7 })]);
  assert.deepEqual(merged, [run(1), run(2), failed]);
  assert.deepEqual(lastPublished(merged), run(2));
  assert.equal(lastPublished([failed]), undefined);
});

test('an estimate follows the size; where no size is known it is the last time', () => {
  assert.equal(estimateSeconds(run(1), 140_000), 200);
  assert.equal(estimateSeconds(run(1, { sourceBytes: null }), 140_000), 100);
});

test('a trend is the straight line through the published runs, and needs four', () => {
  assert.equal(trendOf([run(0), run(1), run(2), run(3, { outcome: 'failed' })]), undefined);
  const growing = [90, 100, 110, 120].map((seconds, week) => run(week, { seconds }));
  const trend = trendOf([...growing, run(4, { outcome: 'failed', seconds: 1 })]);
  assert.equal(trend?.runs, 4);
  assert.ok(Math.abs((trend?.seconds ?? 0) - 10 / 105) < 1e-12);
  assert.equal(trend?.rows, 0);
});
