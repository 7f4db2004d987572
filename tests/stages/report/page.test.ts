import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderPage } from '../../../scripts/stages/report/page.ts';
import { failedReport, hostileNames, sampleHistory, sampleReport } from './sample-report.ts';

const pages = {
  published: renderPage(sampleReport(), sampleHistory()),
  failed: renderPage(failedReport(), []),
};

test('a page asks the network for nothing and runs nothing', () => {
  for (const page of Object.values(pages)) {
    assert.doesNotMatch(page, /<(script|link|img|iframe|object|embed|base|form)\b/i);
    assert.doesNotMatch(page, /<[^<>]*\s(src|srcset|action|on[a-z]+)=/i);
    assert.doesNotMatch(page, /url\(|@import|https?:\/\//i);
    assert.match(page, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline';/);
    for (const [, target = ''] of page.matchAll(/href="([^"]*)"/g)) assert.match(target, /^#/);
  }
});

test('names of the database are text, whatever they hold', () => {
  const [script = '', image = ''] = hostileNames;
  for (const page of Object.values(pages)) assert.ok(!page.includes(script) && !page.includes(image));
  assert.ok(pages.published.includes('&lt;script&gt;document.title=&quot;owned&quot;&lt;/script&gt;'));
  assert.ok(
    pages.published.includes('&amp;amp; \\u{202e}gnp.exe'),
    'a turned-around name is not shown as it is',
  );
  assert.ok(!pages.published.includes('\u202e'));
});

test('partitions to which the same was done are one line of what the policy did', () => {
  const part = (name: string, mask: string) => ({
    schema: 'audit',
    name,
    treatment: 'copy' as const,
    partitionOf: 'audit.events',
    masked: [{ column: 'details', mask }],
    rows: 1,
    bytes: 1,
    seconds: 1,
  });
  const tables = [part('events_1', 'json'), part('events_2', 'json'), part('events_3', 'null')];
  const [, table = ''] = /aria-label="Tables that the policy changed">(.*?)<\/table>/s.exec(
    renderPage(sampleReport({ tables }), []),
  ) ?? ['', ''];
  const lines = [...table.matchAll(/<tr><th scope="row"[^>]*>(.*?)<\/th><td>(.*?)<br><\/td>/gs)].map(
    ([, name, done]) => `${name}: ${done}`.replaceAll(/<[^>]*>/g, ' '),
  );
  assert.deepEqual(lines, [
    'audit.events  2 partitions : masked: details (json)',
    'audit.events  1 partition : masked: details (null)',
  ]);
});

test('what ended a run stands at the top, with what to do', () => {
  const [, top = ''] = /<main[^>]*>([\s\S]*?)<h2/.exec(pages.failed) ?? [];
  for (const words of ['Not refreshed: staging is as it was', 'copy-differs', 'What to do:', 'exit code 5'])
    assert.ok(top.includes(words), words);
  const error = { code: 'copy-differs', message: 'rows differ' };
  assert.match(
    renderPage(sampleReport({ exitCode: 5, strategy: 'fork', published: null, error }), []),
    /✗ Not refreshed: staging is not ready yet; the one in use is as it was</,
  );
});

test('a run after whose publishing something failed is neither red nor green', () => {
  const error = { code: 'published-with-failures', message: 'nobody was notified', hint: 'look' };
  const page = renderPage(sampleReport({ exitCode: 6, error }), []);
  assert.match(page, /class="outcome half"><h1>! Staging is refreshed, but/);
});

test('each worker has its lane, idle time is told, and short tasks share a block', () => {
  const lanes = pages.published.match(/aria-label="Worker \d: busy for [^"]+"/g) ?? [];
  assert.equal(lanes.length, 2);
  assert.match(
    pages.published,
    /At the end 5\.6 s were spent waiting for the last task, validate foreign key/,
  );
  assert.match(pages.published, /title="\d+ short tasks up to load public\.small_39/);
  assert.ok(!pages.published.includes('title="load public.small_1,'));
});

test('a copy that ended early has its workers’ time, too, and what they were in the middle of', () => {
  assert.equal(pages.failed.match(/aria-label="Worker \d: busy for [^"]+"/g)?.length, 2);
  assert.match(
    pages.failed,
    /They ended early, in the middle of copy public\.events 1\/2 and copy public\.orders 1\/1\./,
  );
  assert.match(
    pages.failed,
    /<i class="failed" [^>]*title="copy public\.orders 1\/1: ended in the middle, 1\.5 s"/,
  );
});

test('earlier runs are compared with this one', () => {
  assert.match(pages.published, /Against the run before: rows \+\d+ %, data \S+ %, time \+4 %\./);
  assert.match(pages.published, /Over the last 8 published runs the time changed by \+[34]\.\d % a run/);
  assert.match(pages.published, /failed: host-unreachable/);
  assert.match(pages.failed, /No earlier run is known/);
});

test('a warning that the page knows a repair for has it', () => {
  assert.match(pages.published, /looks like a date of birth<br><span[^>]*>refresh policy suggest/);
});

test('a page of ten thousand tables stays one that a phone can open', () => {
  const many = Array.from({ length: 10_000 }, (_, n) => ({
    schema: 'public',
    name: `a_table_of_a_large_application_${n}`,
    treatment: 'copy' as const,
    rows: 1000,
    bytes: 100_000,
    seconds: 0.01,
  }));
  const tasks = many.map(({ name }, n) => ({
    worker: n % 2,
    name: `load public.${name}`,
    begun: Math.floor(n / 2) * 0.01,
    seconds: 0.01,
  }));
  const page = renderPage(sampleReport({ tables: many, work: { workers: 2, sourceBytes: 1e9, tasks } }), []);
  assert.ok(Buffer.byteLength(page) < 1_500_000, `${Buffer.byteLength(page)} bytes`);
  assert.match(page, /8,000 more are in the JSON report/);
});
