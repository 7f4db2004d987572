import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { reasonOf, withRun } from '../../scripts/commands/run-scope.ts';
import { RefreshError } from '../../scripts/model/errors.ts';
import type { Log, StagingRun } from '../../scripts/model/run.ts';
import { readStagingConfig } from '../../scripts/stages/config.ts';

test('a run removes what a killed one left a day ago, its own folder at the end, and nothing through a link', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'staging-refresh-scope-'));
  const before = process.env.TMPDIR;
  t.after(async () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(folder, { recursive: true });
  });
  process.env.TMPDIR = folder;
  const make = (name: string, hours: number) => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'schema'), 'x');
    const at = new Date(Date.now() - hours * 3_600_000);
    utimesSync(join(folder, name), at, at);
  };
  make('staging-refresh-run-dead', 25);
  make('staging-refresh-run-alive', 1);
  make('somebody’s own', 100);
  symlinkSync(join(folder, 'somebody’s own'), join(folder, 'staging-refresh-run-link'));
  const config = readStagingConfig({}, { STAGING_DB_URL: 'postgresql://u:p@db.example/app' });
  const own = await withRun(config, {} as Log, async ({ temporary }) => {
    assert.ok(existsSync(temporary));
    return temporary;
  });
  const left = [
    'staging-refresh-run-alive/schema',
    'somebody’s own/schema',
    'staging-refresh-run-link/schema',
  ];
  for (const name of left) assert.ok(existsSync(join(folder, name)), name);
  for (const path of [own, join(folder, 'staging-refresh-run-dead')]) assert.ok(!existsSync(path), path);
});

test('a server that went down since its disk is full: the disk is told, not the lock that went with it', () => {
  const error = (code: ConstructorParameters<typeof RefreshError>[0]) =>
    new RefreshError(code, 'x', { hint: 'y' });
  const told = (reason: RefreshError, cause: RefreshError) =>
    reasonOf({ signal: AbortSignal.abort(reason) } as StagingRun, cause);
  const [lockLost, diskFull, cut, interrupted] = [
    error('lock-lost'),
    error('disk-full'),
    error('connection-lost'),
    error('interrupted'),
  ];
  assert.equal(told(lockLost, diskFull), diskFull);
  assert.equal(told(cut, diskFull), diskFull);
  assert.equal(told(lockLost, cut), lockLost);
  assert.equal(told(interrupted, diskFull), interrupted);
});
