import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Forecast, type ForecastTask } from '../../../scripts/stages/load/forecast.ts';
import { Pace } from '../../../scripts/system/log/pace.ts';

type Line =
  | readonly ['task', kind: string, weight: number, after: readonly number[], alone?: string]
  | readonly [at: number, 'began' | 'ended', worker: number, task: number]
  | readonly [at: number, 'sent', worker: number, kilobytes: number];

interface Seen {
  /** Seconds. */
  readonly at: number;
  readonly share: number;
  readonly told: number | undefined;
  readonly truth: number;
}

/**
 * What a live view would have told, five times a second, of the copy of 2 GB in 220 tables on a machine that had other
 * things to do: the tasks, weights in kB, and what became of them, times in milliseconds since the copy began.
 */
function replay(): Seen[] {
  const file = new URL('recorded-load.jsonl', import.meta.url);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const recorded = lines.map((line) => JSON.parse(line) as Line);
  const tasks: ForecastTask[] = [];
  for (const line of recorded) {
    if (line[0] !== 'task') continue;
    const [, kind, weight, after, alone] = line;
    const before = after.flatMap((number) => tasks[number] ?? []);
    tasks.push({ kind, weight: weight * 1000, after: before, ...(alone ? { alone } : {}) });
  }
  const events = recorded.filter((line) => line[0] !== 'task');
  const end = events.at(-1)?.[0] ?? 0;
  const forecast = new Forecast(tasks, 2);
  const pace = new Pace(0);
  const seen: Seen[] = [];
  for (let now = 0; now <= end; now += 200) {
    for (let next = events[0]; next && next[0] <= now; next = events[0]) {
      const [at, what, worker, number] = next;
      const task = tasks[number];
      if (what === 'sent') forecast.sent(worker, number * 1000);
      else if (task && what === 'began') forecast.began(task, worker, at);
      else if (task) forecast.ended(task, at);
      events.shift();
    }
    const look = forecast.look(now);
    if (look) pace.see(now, look.share, 0, look.secondsLeft);
    const share = look?.share ?? 0;
    seen.push({ at: now / 1000, share, told: pace.secondsLeft, truth: (end - now) / 1000 });
  }
  return seen;
}

test('a recorded load: the time left is told early, near the truth, and comes to it without jumps', () => {
  const seen = replay();
  const whole = seen.at(-1)?.at ?? 0;
  assert.ok(whole > 60, `${whole} s`);
  const wrong = (from: number, to: number) =>
    Math.max(
      ...seen
        .filter(({ at }) => at >= whole * from && at < whole * to)
        .map(({ told = Number.POSITIVE_INFINITY, truth }) => Math.abs(told - truth) / whole),
    );
  assert.ok(wrong(0.02, 0.5) < 0.2, `first half: wrong by ${wrong(0.02, 0.5)} of the whole time`);
  assert.ok(wrong(0.5, 0.9) < 0.1, `second half: ${wrong(0.5, 0.9)}`);
  assert.ok(wrong(0.9, 1) < 0.06, `at the end: ${wrong(0.9, 1)}`);
  for (const [index, { at, told, share }] of seen.entries()) {
    const before = seen[index - 1];
    if (before?.told === undefined || told === undefined) continue;
    assert.ok(Math.abs(told - before.told) < whole / 25, `from ${before.told} to ${told} at ${at} s`);
    assert.ok(share >= before.share, `the share goes back at ${at} s`);
  }
  assert.ok((seen.at(-1)?.share ?? 0) > 0.99);
});

test('nothing is told before anything shows a speed, and a load without tasks is done', () => {
  const task = { kind: 'copy', weight: 100, after: [] };
  const forecast = new Forecast([task], 1);
  assert.equal(forecast.look(0), undefined);
  forecast.began(task, 0, 0);
  forecast.sent(0, 40);
  assert.equal(Math.round((forecast.look(1000)?.secondsLeft ?? 0) * 10), 10, 'half of it took a second');
  forecast.ended(task, 2000);
  assert.deepEqual(forecast.look(2000), { share: 1, secondsLeft: 0 });
});

test('workers don’t help where tasks wait for each other', () => {
  const first = { kind: 'copy', weight: 100, after: [] };
  const second = { kind: 'copy', weight: 100, after: [first] };
  const third = { kind: 'copy', weight: 100, after: [second] };
  const forecast = new Forecast([first, second, third], 4);
  forecast.began(first, 0, 0);
  forecast.ended(first, 1000);
  assert.equal(forecast.look(1000)?.secondsLeft, 2);
});
