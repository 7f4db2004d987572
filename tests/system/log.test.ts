import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { formatBytes, openLog } from '../../scripts/system/log.ts';

/** A stream that keeps what is written, and a clock that stands until it is moved. */
function fixture(isTTY: boolean) {
  let written = '';
  let time = 5000;
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        written += chunk.toString();
        done();
      },
    }),
    { isTTY, columns: 60 },
  );
  return {
    log: openLog(stream as unknown as NodeJS.WriteStream, () => time),
    pass: (seconds: number) => {
      time += seconds * 1000;
    },
    text: () => written,
  };
}

const half = { label: 'orders', done: 50, total: 100, unit: 'steps' } as const;

test('each line has the time since the start', () => {
  const { log, pass, text } = fixture(false);
  log.phase('preflight');
  pass(59.95);
  log.info('a fact');
  pass(0.05);
  log.warn('look at this');
  pass(3600);
  log.phase('copy');
  assert.equal(
    text(),
    '00:00.0  preflight\n00:59.9    a fact\n01:00.0    warning: look at this\n61:00.0  copy\n',
  );
  assert.deepEqual(log.warnings, ['look at this']);
});

test('in a file progress is a line every ten seconds', () => {
  const { log, pass, text } = fixture(false);
  log.phase('copy');
  log.progress(half);
  pass(9.9);
  log.progress(half);
  assert.equal(text(), '00:00.0  copy\n');
  pass(0.1);
  log.progress(half);
  log.progress(half);
  assert.equal(text(), '00:00.0  copy\n00:10.0    copy: ██████████░░░░░░░░░░  50 %  50 of 100  orders\n');
});

test('in a terminal progress is one line that is written over and never wraps', () => {
  const { log, pass, text } = fixture(true);
  log.phase('copy');
  pass(1);
  log.progress({ ...half, label: 'x'.repeat(100) });
  pass(1);
  log.info('done');
  const [, line = ''] = text().split('\n');
  const [progress = '', rest] = line.split('\r\u001b[2K');
  assert.equal(progress.length, 59);
  assert.match(progress, /^copy: █/);
  assert.equal(rest, '00:02.0    done');
});

test('a share is between 0 and 100, also of nothing', () => {
  for (const [done, total, share] of [
    [0, 0, '100 %'],
    [0, 10, '  0 %'],
    [20, 10, '100 %'],
  ] as const) {
    const { log, pass, text } = fixture(false);
    pass(11);
    log.progress({ label: '', done, total, unit: 'bytes' });
    assert.ok(text().includes(share), text());
  }
});

test('bytes are told in the units of disks', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_234_567, '1.2 MB'],
    [7_000_000_000, '7.0 GB'],
    [2.5e15, '2500.0 TB'],
  ];
  for (const [bytes, expected] of cases) assert.equal(formatBytes(bytes), expected);
});
