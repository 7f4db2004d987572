import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { writeFileAtomically } from '../../scripts/system/atomic-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atomic-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the content is there whole, nobody else may read it, and nothing else is left', async () => {
  const file = join(folder, 'report.json');
  const content = 'é漢🙂\n'.repeat(100_000);
  await writeFileAtomically(file, content);
  assert.equal(await readFile(file, 'utf8'), content);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await writeFileAtomically(file, 'new', 0o644);
  assert.equal(await readFile(file, 'utf8'), 'new');
  assert.equal((await stat(file)).mode & 0o777, 0o644);
  assert.deepEqual(await readdir(folder), ['report.json']);
});

test('what somebody has put under the temporary name is neither followed nor written to', async () => {
  const file = join(folder, 'report.json');
  const victim = join(folder, 'victim');
  await writeFile(victim, 'untouched');
  await symlink(victim, `${file}.${process.pid}.tmp`);
  await writeFileAtomically(file, 'content');
  assert.equal(await readFile(victim, 'utf8'), 'untouched');
  assert.equal(await readFile(file, 'utf8'), 'content');
});

test('a reader sees the old content or the new one, never a part', async () => {
  const file = join(folder, 'report.json');
  const versions = ['a', 'b', 'c'].map((letter) => letter.repeat(300_000));
  await writeFileAtomically(file, versions[0] ?? '');
  let writing = true;
  const seen = new Set<string>();
  const reading = (async () => {
    while (writing) seen.add(await readFile(file, 'utf8'));
  })();
  for (let turn = 0; turn < 10; turn++) await writeFileAtomically(file, versions[turn % 3] ?? '');
  writing = false;
  await reading;
  for (const content of seen) assert.ok(versions.includes(content), `${content.length} characters`);
});

test('what can’t be written leaves the old content and no temporary file', async () => {
  const file = join(folder, 'report.json');
  // A folder in the file's place lets the write succeed and the rename fail.
  await mkdir(file);
  await writeFile(join(file, 'old'), 'old');
  await assert.rejects(writeFileAtomically(file, 'new'));
  assert.deepEqual(await readdir(folder), ['report.json']);
  assert.equal(await readFile(join(file, 'old'), 'utf8'), 'old');
  await assert.rejects(writeFileAtomically(join(folder, 'nowhere', 'r.json'), 'x'), { code: 'ENOENT' });
});

test('what is no regular file is written to, and stays what it is', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const [read] = await Promise.all([readFile(pipe, 'utf8'), writeFileAtomically(pipe, 'through the pipe')]);
  assert.equal(read, 'through the pipe');
  assert.ok((await stat(pipe)).isFIFO());
});
