import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { LiveView } from '../../scripts/system/log/live-view.ts';
import { Pace } from '../../scripts/system/log/pace.ts';
import { Processors } from '../../scripts/system/log/processors.ts';
import { formatBytes, type LogOptions, openLog, type Verbosity } from '../../scripts/system/log.ts';

/** A stream that keeps what is written, and a clock that stands until it is moved. */
function fixture(isTTY: boolean, options: Omit<LogOptions, 'now'> & { readonly columns?: number } = {}) {
  let written = '';
  let time = 5000;
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        written += chunk.toString();
        done();
      },
    }),
    { isTTY, columns: options.columns ?? 60, rows: 24 },
  );
  return {
    log: openLog(stream as unknown as NodeJS.WriteStream, {
      environment: {},
      liveView: LiveView,
      ...options,
      now: () => time,
    }),
    pass: (seconds: number) => {
      time += seconds * 1000;
    },
    text: () => written,
  };
}

/** What a terminal shows at the end: cursor movements and erasures carried out, colours left away. */
function screenOf(written: string): string[] {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  for (const [token] of written.replaceAll('\u001b', '␛').matchAll(/␛\[[?\d;]*[A-Za-z]|\n|\r|[^␛\n\r]+/g)) {
    const [, number = '', command = ''] = /^␛\[([?\d;]*)([A-Za-z])$/.exec(token) ?? [];
    if (token === '\n') [row, column] = [row + 1, 0];
    else if (token === '\r') column = 0;
    else if (command === 'A') row -= Number(number || 1);
    else if (command === 'G') column = Number(number || 1) - 1;
    else if (command === 'K') lines[row] = number === '2' ? '' : (lines[row] ?? '').slice(0, column);
    else if (command === 'J') lines.splice(row, Infinity, (lines[row] ?? '').slice(0, column));
    else if (command === '') {
      const line = (lines[row] ?? '').padEnd(column);
      lines[row] = line.slice(0, column) + token + line.slice(column + token.length);
      column += token.length;
    }
    lines[row] ??= '';
  }
  return lines;
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

test('what others have named does nothing to a terminal, and GitHub’s runner finds no command in it', () => {
  const name = 'shop\u001b]0;x\u0007\r\n  ::add-mask::a ##[stop-commands]b';
  const { log, pass, text } = fixture(false, { environment: { GITHUB_ACTIONS: 'true' } });
  log.info(name);
  log.warn(name);
  pass(11);
  log.progress({ ...half, label: name, underWay: [name] });
  assert.match(text(), /shop\\u\{1b\}\]0;x/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
  assert.doesNotMatch(text(), /^\s*::|##\[|[\u0000-\u0008\u000b-\u001f\u007f]/m);
  assert.deepEqual(log.warnings, [name], 'the report has it as it is');
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

const copying = {
  label: '3 tables loaded',
  done: 50e6,
  total: 100e6,
  unit: 'bytes',
  rows: 1_234_567,
  underWay: ['copy public.orders 1/2', `index public.${'漢'.repeat(60)}`],
  forecast: { share: 0.25, secondsLeft: 30 },
} as const;

test('in a terminal a live view stands below the lines, never wraps, and goes with its phase', () => {
  const { log, pass, text } = fixture(true, { columns: 70 });
  log.phase('copy');
  log.progress(() => copying);
  pass(10);
  log.progress(() => ({ ...copying, done: 70e6, forecast: { share: 0.5, secondsLeft: 12 } }));
  log.warn('a warning in the middle');
  log.info('a fact');
  const screen = screenOf(text());
  assert.deepEqual(screen.slice(0, 3), [
    '00:00.0  copy',
    '00:10.0    warning: a warning in the middle',
    '00:10.0    a fact',
  ]);
  assert.match(screen[3] ?? '', /^copy {2}█{10}░{10} {2}50 % {2}about \d+ s left$/);
  assert.match(screen[4] ?? '', /^ {2}70\.0 MB of about 100\.0 MB, 1,234,567 rows/);
  assert.equal(screen[5], '  › copy public.orders 1/2');
  assert.match(screen[6] ?? '', /^ {2}› index public\.漢+…$/);
  for (const line of screen) assert.ok(stringWidth(line) <= 69, line);
  log.phase('verify');
  assert.deepEqual(
    screenOf(text())
      .slice(3)
      .filter((line) => line !== ''),
    ['00:10.0  verify'],
  );
  log[Symbol.dispose]();
});

test('a terminal of thirty columns is enough', () => {
  const { log, pass, text } = fixture(true, { columns: 30 });
  log.phase('copy');
  pass(1);
  log.progress(() => copying);
  for (const line of screenOf(text()).slice(1)) assert.ok(stringWidth(line) <= 29, line);
  log[Symbol.dispose]();
});

test('nothing but the moving of a live view needs escapes, and a file has none', () => {
  for (const environment of [{ CI: 'true' }, { TERM: 'dumb' }]) {
    const { log, pass, text } = fixture(true, { environment });
    log.phase('copy');
    pass(10);
    log.progress(() => copying);
    assert.ok(text().includes('now: copy public.orders 1/2'));
    assert.deepEqual(screenOf(text()), stripVTControlCharacters(text()).split('\n'));
    log[Symbol.dispose]();
  }
  const { log, text } = fixture(false);
  log.phase('copy');
  log.warn('plain');
  assert.ok(!text().includes('\u001b'));
});

test('on GitHub each phase is a group, and the last one is closed', () => {
  const { log, text } = fixture(false, { environment: { GITHUB_ACTIONS: 'true', CI: 'true' } });
  log.phase('preflight');
  log.info('a fact');
  log.phase('copy');
  log[Symbol.dispose]();
  assert.equal(text(), '::group::preflight\n00:00.0    a fact\n::endgroup::\n::group::copy\n::endgroup::\n');
});

test('--quiet leaves warnings alone, --verbose has details too', () => {
  const say = (verbosity: Verbosity) => {
    const { log, pass, text } = fixture(false, { verbosity });
    log.phase('copy');
    log.info('a fact');
    log.detail?.('a detail');
    log.warn('look at this');
    pass(60);
    log.progress(half);
    log[Symbol.dispose]();
    return text();
  };
  assert.equal(say('quiet'), '00:00.0    warning: look at this\n');
  assert.doesNotMatch(say('normal'), /a detail/);
  assert.match(say('verbose'), /a fact\n.* {4}a detail\n.*look at this\n.*50 %/);
});

test('what is left counts down to the end, through a change of speed, and without jumps', () => {
  const pace = new Pace(0);
  const told: number[] = [];
  // 100 units in 100 s, the first half at twice the speed of the second.
  for (let second = 1; second <= 100; second++) {
    const share = second <= 33 ? (second * 1.5) / 100 : (50 + ((second - 33) * 50) / 67) / 100;
    pace.see(second * 1000, share, second * 1e6);
    told.push(pace.secondsLeft ?? Number.NaN);
  }
  const wrong = told.map((left, index) => Math.abs(left - (100 - (index + 1))));
  assert.ok(Math.max(...wrong.slice(70)) < 6, `${Math.max(...wrong.slice(70))}`);
  assert.ok(Math.max(...wrong.slice(90)) < 1.5, `${Math.max(...wrong.slice(90))}`);
  for (const [index, left] of told.slice(3).entries())
    assert.ok(Math.abs(left - (told[index + 2] ?? 0)) < 5, `a jump at ${index}`);
  assert.equal(Math.round(pace.bytesPerSecond / 1e5), 10);
});

test('cores: idle time is what they were not busy', () => {
  const core = (user: number, idle: number) => ({
    model: '',
    speed: 0,
    times: { user, nice: 0, sys: 0, idle, irq: 0 },
  });
  const processors = new Processors();
  processors.look([core(100, 100), core(0, 0)]);
  assert.deepEqual(processors.look([core(130, 110), core(0, 50)]), [0.75, 0]);
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
