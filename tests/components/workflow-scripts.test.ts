import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { renderWorkflow } from '../../components/workflow.ts';
import { interpolate } from '../../scripts/local/runner/expression.ts';
import { args, everyStep, expression, type Job, stepNamed } from './rendered-workflow.ts';

test('every script is valid bash', (t) => {
  if (spawnSync('bash', ['--version']).error) return t.skip('bash is not installed');
  for (const { name, run } of everyStep) {
    if (run === undefined) continue;
    const result = spawnSync('bash', ['-n'], { input: run });
    assert.equal(result.stderr.toString(), '', name);
  }
});

test('nothing that GitHub fills in stands inside a script', () => {
  for (const { run = '' } of everyStep) assert.doesNotMatch(run, /\$\{\{/);
});

test('a setting is no script: neither a shell nor GitHub fills anything in', (t) => {
  if (spawnSync('bash', ['--version']).error) return t.skip('bash is not installed');
  const hostile = [
    '--owner',
    'o\'"$(id)`id`\n::error::x',
    '--policy',
    `a ${expression('secrets.DO_API_TOKEN')}.yaml`,
    '--runner-address',
    `https://ip.example/?${expression('inputs.nonce')}';id;'`,
  ];
  const { steps }: Job = parse(renderWorkflow({ ...args, flags: hostile })).jobs['restore-from-do-backup'];
  const scripts = steps.flatMap(({ run = '' }) => (run.includes('--owner') ? [run] : []));
  assert.ok(scripts.length >= 3, 'run, plan and doctor have such flags');
  const standing = { failed: false, cancelled: false };
  const contexts = { secrets: { DO_API_TOKEN: 'the-token' }, inputs: { nonce: "'; id; '" } };
  const folder = mkdtempSync(join(tmpdir(), 'staging-refresh-words-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'node'), `#!/bin/sh\nprintf '%s\\0' "$@" > "$OUT"\n`, { mode: 0o755 });
  const env = {
    PATH: `${folder}:${process.env.PATH}`,
    OUT: join(folder, 'words'),
    GITHUB_STEP_SUMMARY: join(folder, 'summary'),
  };
  for (const run of scripts) {
    spawnSync('bash', ['-c', interpolate(run, contexts, standing)], { cwd: folder, env });
    const told = readFileSync(env.OUT, 'utf8').split('\0');
    const values = told.filter((_, index) => /^--(owner|policy|runner-address)$/.test(told[index - 1] ?? ''));
    assert.ok(values.length >= 2, run);
    for (const value of values) assert.ok(hostile.includes(value), JSON.stringify(value));
    rmSync(env.OUT);
  }
});

test('the engine is the step’s own process and runs on Node 24', () => {
  assert.match(
    stepNamed('Back Up Production and Restore to Staging').run ?? '',
    /\nexec node \.github\/staging-refresh\/refresh\.mjs run --summary --owner app --policy \.github\/staging-refresh\/refresh\.policy\.yaml --open-trusted-sources staging,production --runner-address https:\/\/ip\.example "\$@" > refresh-summary\.json\n$/,
  );
  assert.equal(stepNamed('Set Up Node 24').with?.['node-version'], '24');
});

test('the client comes from PGDG with its keyring, unless the runner has it', () => {
  const { run = '' } = stepNamed('Install PostgreSQL 17 Client');
  assert.match(run, /if \[ ! -x "\$bindir\/pg_dump" \]/);
  assert.match(run, /signed-by=/);
  assert.doesNotMatch(run, /apt-key/);
  assert.match(renderWorkflow({ ...args, postgresqlVersion: 18 }), /postgresql-client-18/);
});
