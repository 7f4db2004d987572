import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { parse } from 'yaml';
import { renderWorkflow, type WorkflowArgs } from '../../components/workflow.ts';

const args: WorkflowArgs = {
  schedule: '0 2 * * 0',
  timeoutMinutes: 60,
  artifactRetentionDays: 30,
  branch: 'main',
  environment: undefined,
  postgresqlVersion: 17,
  flags: ['--summary', '--owner', 'app', '--policy', '.github/staging-refresh/refresh.policy.yaml'],
  secrets: ['DO_API_TOKEN', 'PRODUCTION_DB_URL', 'STAGING_DB_URL'],
};

interface Step {
  readonly name: string;
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly 'timeout-minutes': number;
  readonly environment?: string;
  readonly steps: readonly Step[];
}

const text = renderWorkflow(args);
const workflow = parse(text);
const job: Job = workflow.jobs['restore-from-do-backup'];

test('names, schedule, rights and limits are those that people and GitHub look for', () => {
  assert.equal(workflow.name, 'Weekly DB Backup - Using DigitalOcean Backups');
  assert.deepEqual(Object.keys(workflow.jobs), ['restore-from-do-backup']);
  assert.deepEqual(workflow.on.schedule, [{ cron: '0 2 * * 0' }]);
  assert.deepEqual(Object.keys(workflow.on).sort(), ['schedule', 'workflow_dispatch']);
  assert.deepEqual(workflow.permissions, { contents: 'read' });
  assert.deepEqual(workflow.concurrency, { group: 'staging-refresh', 'cancel-in-progress': false });
  assert.equal(job['timeout-minutes'], 60);
  assert.equal(job.environment, undefined);
});

test('every action is pinned to a full commit id, its version behind it', () => {
  const lines = text.split('\n').filter((line) => line.includes('uses:'));
  assert.equal(lines.length, 3);
  for (const line of lines) assert.match(line, /uses: actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test('nothing that GitHub fills in stands inside a script', () => {
  for (const { run = '' } of job.steps) assert.doesNotMatch(run, /\$\{\{/);
});

test('secrets are seen by the refresh alone', () => {
  const withSecrets = job.steps.filter((step) => JSON.stringify(step).includes('secrets.'));
  assert.deepEqual(
    withSecrets.map(({ id }) => id),
    ['refresh'],
  );
  const [refresh] = withSecrets;
  assert.deepEqual(refresh?.env, {
    DO_API_TOKEN: expression('secrets.DO_API_TOKEN'),
    PRODUCTION_DB_URL: expression('secrets.PRODUCTION_DB_URL'),
    STAGING_DB_URL: expression('secrets.STAGING_DB_URL'),
    INPUT_JOBS: expression('inputs.jobs'),
  });
});

test('the engine is the step’s own process and runs on Node 24', () => {
  assert.match(
    stepNamed('Back Up Production and Restore to Staging').run ?? '',
    /\nexec node \.github\/staging-refresh\/refresh\.mjs run --summary --owner app --policy \.github\/staging-refresh\/refresh\.policy\.yaml "\$@" > refresh-summary\.json\n$/,
  );
  assert.equal(stepNamed('Set Up Node 24').with?.['node-version'], '24');
});

test('a run uses the default branch, from whichever one it was started', () => {
  assert.deepEqual(stepNamed('Check Out the Engine and its Policy').with, {
    ref: 'main',
    'sparse-checkout': '.github/staging-refresh',
    'persist-credentials': false,
  });
});

test('the backup is kept before anything is removed, and the last three steps always run', () => {
  assert.deepEqual(
    job.steps.slice(-3).map((step) => [step.name, step.if]),
    [
      ['Upload Backup Artifact', 'always()'],
      ['Cleanup', 'always()'],
      ['Notification', 'always()'],
    ],
  );
  const upload = stepNamed('Upload Backup Artifact');
  assert.equal(upload.with?.name, `production-db-backup-${expression('github.run_number')}`);
  assert.equal(upload.with?.['retention-days'], 30);
});

test('the client comes from PGDG with its keyring, unless the runner has it', () => {
  const { run = '' } = stepNamed('Install PostgreSQL 17 Client');
  assert.match(run, /if \[ ! -x "\$bindir\/pg_dump" \]/);
  assert.match(run, /signed-by=/);
  assert.doesNotMatch(run, /apt-key/);
  assert.match(renderWorkflow({ ...args, postgresqlVersion: 18 }), /postgresql-client-18/);
});

test('every script is valid bash', (t) => {
  if (spawnSync('bash', ['--version']).error) return t.skip('bash is not installed');
  for (const { name, run } of job.steps) {
    if (run === undefined) continue;
    const result = spawnSync('bash', ['-n'], { input: run });
    assert.equal(result.stderr.toString(), '', name);
  }
});

test('the notification tells success from failure', (t) => {
  if (spawnSync('bash', ['--version']).error) return t.skip('bash is not installed');
  const { run = '' } = stepNamed('Notification');
  for (const [outcome, title] of [
    ['success', /^## 🎉 Production database successfully backed up and restored to staging!/],
    ['failure', /^## ❌ Database backup\/restore failed! \(failure\)/],
  ] as const) {
    const env = {
      PATH: process.env.PATH,
      REFRESH_OUTCOME: outcome,
      NEXT_RUN: 'Sunday',
      RUN_URL: 'https://x',
      GITHUB_STEP_SUMMARY: '/dev/null',
    };
    const result = spawnSync('bash', ['-e'], { input: run, env, cwd: import.meta.dirname });
    assert.equal(result.status, 0, result.stderr.toString());
    assert.match(result.stdout.toString(), title);
  }
});

test('the environment, when there is one, guards the job; the same arguments give the same bytes', () => {
  assert.equal(
    parse(renderWorkflow({ ...args, environment: 'staging' })).jobs['restore-from-do-backup'].environment,
    'staging',
  );
  assert.equal(renderWorkflow(args), text);
});

function stepNamed(name: string): Step {
  const step = job.steps.find((each) => each.name === name);
  assert.ok(step, name);
  return step;
}

function expression(name: string): string {
  return `\${{ ${name} }}`;
}
