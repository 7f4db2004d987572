import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectFolder, readPolicyFiles } from '../../components/policy-files.ts';
import { bundleEngine, leftOut } from '../../scripts/bundle.ts';
import { bundleLimitBytes } from '../../scripts/contract.ts';
import { fingerprintEngine } from '../../scripts/fingerprint.ts';

test('the bundled engine is one module under the limit, and it runs from anywhere', async (t) => {
  const text = await bundleEngine();
  assert.ok(Buffer.byteLength(text) < bundleLimitBytes);
  assert.ok(!text.includes(projectFolder), 'the path of this machine is in it');
  assert.equal(await bundleEngine(), text);
  for (const part of leftOut) assert.ok(existsSync(join(projectFolder, 'node_modules', part)), part);

  const folder = temporaryFolder(t);
  const file = join(folder, 'refresh.mjs');
  writeFileSync(file, text);
  const help = spawnSync(process.execPath, [file, 'run', '--help'], { cwd: folder, env: {} });
  assert.equal(help.status, 0, help.stderr.toString());
  assert.match(help.stdout.toString(), /--summary/);
});

test('a bundle over the limit, or one that doesn’t build, is refused', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'large.ts'), `process.stdout.write('${'x'.repeat(bundleLimitBytes)}');`);
  await assert.rejects(bundleEngine('large.ts', folder), {
    code: 'bad-file',
    message: new RegExp(`more than ${bundleLimitBytes}`),
  });
  writeFileSync(join(folder, 'broken.ts'), "import './absent.ts';");
  await assert.rejects(bundleEngine('broken.ts', folder), { code: 'bad-file', message: /can't be bundled/ });
});

test('the fingerprint changes with the engine and with nothing else', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'scripts/stages'), { recursive: true });
  mkdirSync(join(folder, 'scripts/local'));
  const entry = "import { Client } from 'pg';\nimport './stages/plan.ts';\n";
  writeFileSync(join(folder, 'scripts/refresh.ts'), entry);
  writeFileSync(join(folder, 'scripts/stages/plan.ts'), 'export const a = 1;\n');
  writeLock(folder, { pg: '8.0.0', 'pg-types': '2.0.0', esbuild: '0.1.0' });
  const first = fingerprintEngine(folder);
  assert.match(first, /^[0-9a-f]{64}$/);

  writeFileSync(join(folder, 'scripts/refresh.ts'), entry.replaceAll('\n', '\r\n'));
  assert.equal(fingerprintEngine(folder), first, 'line ends');
  writeFileSync(join(folder, 'scripts/local/start.ts'), 'export {};');
  writeFileSync(join(folder, 'scripts/bundle.ts'), "import 'esbuild';");
  assert.equal(fingerprintEngine(folder), first, 'what is no part of the engine');
  writeLock(folder, { esbuild: '0.2.0', 'pg-types': '2.0.0', pg: '8.0.0' });
  assert.equal(
    fingerprintEngine(folder),
    first,
    'order of the lock, and a package that the engine doesn’t use',
  );

  writeLock(folder, { pg: '8.0.0', 'pg-types': '2.0.1', esbuild: '0.1.0' });
  assert.notEqual(fingerprintEngine(folder), first, 'a dependency of a dependency');
  writeLock(folder, { pg: '8.0.0', 'pg-types': '2.0.0', esbuild: '0.1.0' });
  writeFileSync(join(folder, 'scripts/stages/plan.ts'), 'export const a = 2;\n');
  assert.notEqual(fingerprintEngine(folder), first, 'a source');
});

test('the fingerprint of this project is the same in another folder', (t) => {
  const folder = temporaryFolder(t);
  cpSync(join(projectFolder, 'scripts'), join(folder, 'scripts'), { recursive: true });
  cpSync(join(projectFolder, 'package-lock.json'), join(folder, 'package-lock.json'));
  assert.equal(fingerprintEngine(folder), fingerprintEngine());
});

test('a policy is read with its SQL files, and its hash follows them', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'policies/sql'), { recursive: true });
  const policy = 'version: 1\nbefore-publish: { sql: [sql/staging.sql] }\n';
  writeFileSync(join(folder, 'policies/shop.yaml'), policy);
  writeFileSync(join(folder, 'policies/sql/staging.sql'), 'select 1;\n');
  const read = readPolicyFiles('policies/shop.yaml', folder);
  assert.deepEqual(read.problems, []);
  assert.equal(read.path, 'policies/shop.yaml');
  assert.deepEqual(read.files, [
    { path: 'shop.yaml', text: policy },
    { path: 'sql/staging.sql', text: 'select 1;\n' },
  ]);
  writeFileSync(join(folder, 'policies/sql/staging.sql'), 'select 1;\r\n');
  assert.equal(readPolicyFiles('policies/shop.yaml', folder).hash, read.hash, 'line ends');
  writeFileSync(join(folder, 'policies/sql/staging.sql'), 'select 2;\n');
  assert.notEqual(readPolicyFiles('policies/shop.yaml', folder).hash, read.hash);
});

test('a policy that can’t be taken whole is refused; a missing default one is none', (t) => {
  const folder = temporaryFolder(t);
  const none = readPolicyFiles('refresh.policy.yaml', folder);
  assert.deepEqual([none.path, none.files, none.problems], [undefined, [], []]);
  const said = readPolicyFiles('none', folder);
  assert.deepEqual([said.path, said.files, said.problems, said.hash], ['none', [], [], none.hash]);
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['version: 1\n  bad: [', /can’t be read: line 1, column 10: a value that holds ": "/],
    ['before-publish: { sql: one.sql }', /must be a list of paths/],
    ['before-publish: { sql: [../secret.sql] }', /not a relative path below/],
    ['before-publish: { sql: [/etc/passwd] }', /not a relative path below/],
    [
      `# ${'x'.repeat(bundleLimitBytes)}`,
      new RegExp(
        `has ${bundleLimitBytes + 2} bytes in "refresh\\.policy\\.yaml", more than the ${bundleLimitBytes}`,
      ),
    ],
    ['before-publish: { sql: [absent.sql] }', /"absent\.sql", which can't be read/],
  ];
  for (const [text, reason] of wrong) {
    writeFileSync(join(folder, 'refresh.policy.yaml'), text);
    assert.match(readPolicyFiles('refresh.policy.yaml', folder).problems.join(), reason, text.slice(0, 80));
  }
});

function temporaryFolder(t: { after(clean: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'staging-refresh-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function writeLock(folder: string, versions: Readonly<Record<string, string>>): void {
  const packages = Object.entries(versions).map(([name, version]) => [
    `node_modules/${name}`,
    { version, ...(name === 'pg' ? { dependencies: { 'pg-types': '^2' } } : {}) },
  ]);
  const text = JSON.stringify({ packages: Object.fromEntries(packages) });
  writeFileSync(join(folder, 'package-lock.json'), text);
}
