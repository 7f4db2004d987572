import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { replaceSection } from '../../scripts/bench/document.ts';
import { compare, type Measurement, median } from '../../scripts/bench/measurement.ts';
import {
  cpuSecondsOfEndedChildren,
  cpuSecondsOfFamily,
  peakMemoryOfFamily,
} from '../../scripts/bench/process-usage.ts';

test('medians of odd and even numbers of rounds', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 10]), 3);
  assert.throws(() => median([]));
});

test('ratios are against the fastest peer, never against ourselves', () => {
  const result = (key: string, ours: boolean, seconds: readonly number[]) => ({
    key,
    title: key,
    ours,
    measurements: seconds.map((value, index) => measurement(key, index + 1, value)),
  });
  const comparisons = compare(
    [
      result('slow', false, [30, 33, 36]),
      result('peer', false, [20, 24, 90]),
      result('refresh', true, [12, 6, 18]),
    ],
    2,
  );
  assert.deepEqual(
    comparisons.map(({ key, seconds, quickest, slowest, ratio }) => [key, seconds, quickest, slowest, ratio]),
    [
      ['slow', 33, 30, 36, 1.375],
      ['peer', 24, 20, 90, 1],
      ['refresh', 12, 6, 18, 0.5],
    ],
  );
  // 6 CPU-seconds in 12 seconds of two cores.
  assert.equal(comparisons[2]?.coresUsed, 0.25);
});

test('only the text between the markers is exchanged', () => {
  const document = '# P\n\n<!-- bench:copy -->\nold\n<!-- /bench:copy -->\n\nafter\n';
  const once = replaceSection(document, 'copy', 'new $& text\n');
  assert.equal(once, '# P\n\n<!-- bench:copy -->\nnew $& text\n<!-- /bench:copy -->\n\nafter\n');
  assert.equal(
    replaceSection(once, 'growth', 'g'),
    `${once}\n<!-- bench:growth -->\ng\n<!-- /bench:growth -->\n`,
  );
});

test('CPU time and memory of a process and its children are found, also once the children have ended', async () => {
  const before = cpuSecondsOfEndedChildren();
  const busy = `const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end);`;
  const parent = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(busy)}]);
    process.stdout.write('done'); process.stdin.resume(); process.stdin.on('end', () => process.exit());`;
  const child = spawn(process.execPath, ['-e', parent], { stdio: ['pipe', 'pipe', 'inherit'] });
  const pid = child.pid ?? 0;
  await once(child.stdout, 'data');
  assert.ok(cpuSecondsOfFamily(pid) >= 0.3);
  assert.ok(peakMemoryOfFamily(pid) > 10_000_000);
  child.stdin.end();
  await once(child, 'exit');
  assert.ok(cpuSecondsOfEndedChildren() - before >= 0.3);
  assert.equal(peakMemoryOfFamily(pid), 0);
});

function measurement(contender: string, round: number, seconds: number): Measurement {
  return {
    contender,
    round,
    seconds,
    serverCpuSeconds: 4,
    clientCpuSeconds: 2,
    machineBusy: 0.5,
    peakMemoryBytes: 1,
    movedBytes: 1,
    phases: [],
  };
}
