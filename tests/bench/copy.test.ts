import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { servers, testFolder } from '../support/servers.ts';

const script = fileURLToPath(new URL('../../scripts/bench/copy.ts', import.meta.url));

interface Results {
  readonly expected: { readonly tables: number; readonly rows: number };
  readonly comparisons: readonly {
    readonly key: string;
    readonly seconds: number;
    readonly ratio: number;
    readonly serverCpuSeconds: number;
    readonly clientCpuSeconds: number;
    readonly peakMemoryBytes: number;
    readonly movedBytes: number;
  }[];
}

test('a quick benchmark measures every way, writes the document and leaves nothing behind', async () => {
  const folder = await testFolder();
  const results = join(folder, 'results.json');
  const docs = join(folder, 'docs');
  const place = join(folder, 'bench');
  mkdirSync(place);
  writeFileSync(join(place, 'of somebody else'), '');
  const flags = [
    '--quick',
    '--scale',
    '0.01',
    '--small-tables',
    '5',
    '--only',
    'documented,directory,refresh',
  ];
  const run = await bench([...flags, '--folder', place, '--docs', docs, '--results', results]);
  assert.equal(run.code, 0, run.stderr);

  const { expected, comparisons } = JSON.parse(readFileSync(results, 'utf8')) as Results;
  // 17 large tables and partitions, the list of words, and the five small ones.
  assert.equal(expected.tables, 23);
  assert.deepEqual(
    comparisons.map(({ key }) => key),
    ['documented', 'directory', 'refresh'],
  );
  for (const one of comparisons) {
    assert.ok(one.seconds > 0 && one.ratio > 0, `${one.key} took time`);
    assert.ok(one.serverCpuSeconds > 0, `the servers worked for ${one.key}`);
    assert.ok(one.peakMemoryBytes > 1_000_000, `${one.key} had memory`);
    assert.ok(one.movedBytes > 100_000, `${one.key} moved rows`);
  }
  assert.equal(Math.min(...comparisons.slice(0, 2).map(({ ratio }) => ratio)), 1);

  const document = readFileSync(join(docs, 'performance.md'), 'utf8');
  for (const text of ['documented flow', 'pg_dump -Fd', 'refresh run', '| phase', flags.join(' ')])
    assert.ok(document.includes(text), `the document says ${text}`);
  assert.ok(!document.includes(folder), 'the document names no folder of this machine');
  assert.equal(readFileSync(join(docs, 'performance.svg'), 'utf8').match(/<rect /g)?.length, 3);
  assert.deepEqual(readdirSync(place), ['of somebody else'], 'servers and data are gone, and nothing else');
});

test('a wrong flag is said before anything is started', async () => {
  const run = await bench(['--rounds', 'many']);
  assert.equal(run.code, 2);
  assert.match(run.stderr, /bad-flag: has to be a whole number from 1 to 100 \(--rounds\)/);
});

async function bench(flags: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  const { tools } = await servers();
  const child = spawn(process.execPath, [script, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PG_BINDIR: tools.bindir },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr }));
  });
}
