import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { runFlagWords } from '../../components/run-flags.ts';
import { renderWorkflow } from '../../components/workflow.ts';
import type { Step } from '../../components/workflow-step.ts';
import { interpolate, type Value } from '../../scripts/local/runner/expression.ts';
import { assertLinted } from './lint.ts';
import {
  args,
  everyStep,
  expression,
  type Job,
  job,
  jobs,
  stepNamed,
  text,
  workflow,
} from './rendered-workflow.ts';

test('names, schedule, rights and limits are those that people and GitHub look for', () => {
  assert.equal(workflow.name, 'Weekly DB Backup - Using DigitalOcean Backups');
  assert.deepEqual(Object.keys(jobs), ['hold', 'restore-from-do-backup', 'watch', 'dispatch']);
  assert.deepEqual(workflow.on.schedule, [{ cron: '0 2 * * 0' }, { cron: '37 6 * * *' }]);
  assert.deepEqual(workflow.permissions, { contents: 'read' });
  assert.deepEqual(job.concurrency, { group: 'staging-refresh', 'cancel-in-progress': false });
  assert.equal(workflow.concurrency, undefined, 'the daily check must not push a waiting refresh out');
  assert.equal(stepNamed('Back Up Production and Restore to Staging')['timeout-minutes'], 60);
  assert.equal(job['timeout-minutes'], 75, 'what comes after the refresh has its own time');
  assert.equal(job.environment, undefined);
  const longest: Job = parse(renderWorkflow({ ...args, timeoutMinutes: 360 })).jobs['restore-from-do-backup'];
  const { 'timeout-minutes': minutes, steps } = longest;
  const limit = steps.find(({ id }) => id === 'refresh')?.['timeout-minutes'];
  assert.deepEqual([limit, minutes], [345, 360], 'GitHub ends a job after six hours, its clean-up too');
  assert.equal(
    jobs.dispatch?.if,
    "!cancelled() && needs.restore-from-do-backup.outputs.published == 'true'",
    'a failed upload leaves staging new',
  );
});

test('a person’s inputs; a program’s nonce is in the title, and which run is the daily check alone', () => {
  const { inputs } = workflow.on.workflow_dispatch;
  assert.deepEqual(Object.keys(inputs), [
    'jobs',
    'verify',
    'allow_shrink',
    'skip_artifact',
    'dry_run',
    'debug',
    'nonce',
  ]);
  assert.deepEqual(inputs.verify.options, ['counts', 'checksums']);
  const titled = (event: Value, given: Value) =>
    interpolate(
      workflow['run-name'],
      { github: { event }, inputs: given },
      { failed: false, cancelled: false },
    );
  assert.equal(titled({}, { nonce: '4711' }), `${workflow.name} 4711`);
  assert.equal(titled({ schedule: '0 2 * * 0' }, {}), `${workflow.name} `);
  assert.equal(titled({ schedule: '37 6 * * *' }, {}), `${workflow.name} (daily check)`);
});

test('actionlint finds nothing, whatever the stack has chosen', async () => {
  await assertLinted(text, 'complete.yml');
  const least = {
    ...args,
    alertAfterDays: 0,
    dispatchEvent: undefined,
    flags: ['--summary'],
    secrets: args.secrets.slice(0, 5),
  };
  await assertLinted(renderWorkflow(least), 'least.yml');
  const environment = { ...args, environment: 'staging', holdUntil: '2026-12-24', postgresqlVersion: 18 };
  await assertLinted(renderWorkflow(environment), 'environment.yml');
  await assert.rejects(assertLinted(text.replace('inputs.jobs', 'inputs.jbos'), 'x.yml'), /jbos/);
});

test('every action is pinned to a full commit id, its version behind it', () => {
  const lines = text.split('\n').filter((line) => line.includes('uses:'));
  assert.equal(lines.length, 6);
  for (const line of lines) assert.match(line, /uses: actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test('each step sees the secrets that it needs and no other', async () => {
  const seen = everyStep.flatMap(({ name, env = {} }) => {
    const names = Object.entries(env).flatMap(([key, value]) => (value.includes('secrets.') ? [key] : []));
    return names.length > 0 ? [[name, names.length === args.secrets.length ? 'all' : names.join()]] : [];
  });
  assert.deepEqual(Object.fromEntries(seen), {
    'Mask Derived Values': 'all',
    'Verify Cluster ID, List Databases and Production Database Backups': 'DO_API_TOKEN,PROD_DB_CLUSTER_ID',
    'Debug Database Connections': 'all',
    'Dry Run: Plan': 'all',
    'Back Up Production and Restore to Staging': 'all',
    'Close Trusted Sources': 'DO_API_TOKEN,PROD_DB_CLUSTER_ID,STAGING_DB_CLUSTER_ID',
    Notification: 'REFRESH_NOTIFY_URL',
    'Watch for Missing Refreshes': 'REFRESH_NOTIFY_URL',
  });
  // Both ways to begin the engine have the same sizes.
  const { GLIBC_TUNABLES } = stepNamed('Back Up Production and Restore to Staging').env ?? {};
  const launcher = await readFile(new URL('../../scripts/launcher.js', import.meta.url), 'utf8');
  assert.ok(GLIBC_TUNABLES && launcher.includes(`'${GLIBC_TUNABLES}'`));
  for (const { env = {} } of everyStep)
    for (const [key, value] of Object.entries(env))
      if (value.includes('secrets.')) assert.equal(value, expression(`secrets.${key}`));
});

test('only the job without a secret may write contents', () => {
  assert.deepEqual(jobs.dispatch?.permissions, { contents: 'write' });
  assert.doesNotMatch(JSON.stringify(jobs.dispatch), /secrets\./);
  assert.deepEqual(jobs.watch?.permissions, { actions: 'read', contents: 'read' });
  assert.deepEqual(jobs.hold?.permissions, {});
  assert.equal(job.permissions, undefined, 'the workflow’s own');
});

test('a run uses the default branch, from whichever one it was started', () => {
  assert.deepEqual(stepNamed('Check Out the Engine and its Policy').with, {
    ref: 'main',
    'sparse-checkout': '.github/staging-refresh',
    'persist-credentials': false,
  });
});

test('the backup is kept before anything is removed, and what follows the refresh always runs', () => {
  const after = job.steps.slice(job.steps.findIndex(({ id }) => id === 'refresh') + 1);
  assert.deepEqual(
    after.map(({ name }) => name),
    ['Upload Backup Artifact', 'Upload Report', 'Close Trusted Sources', 'Cleanup', 'Notification'],
  );
  for (const step of after) assert.match(step.if ?? '', /^always\(\)/, step.name);
  const upload = stepNamed('Upload Backup Artifact');
  assert.equal(upload.with?.name, `production-db-backup-${expression('github.run_number')}`);
  assert.equal(upload.with?.['retention-days'], 30);
  assert.equal(
    upload.with?.['if-no-files-found'],
    expression("steps.refresh.outcome == 'success' && 'warn' || 'ignore'"),
  );
  assert.equal(upload.with?.path, 'artifacts/\n!artifacts/*.partial\n!artifacts/refresh-report_*\n');
});

test('flags of the stack’s own reach the run; without a backup file there is none to keep, and none is told of', async () => {
  const flags = runFlagWords({ 'no-artifact': true, jobs: 3, 'keep-previous': 0, 'no-analyze': false });
  const rendered = renderWorkflow({ ...args, flags: [...args.flags, ...flags] });
  const steps: readonly Step[] = parse(rendered).jobs['restore-from-do-backup'].steps;
  const script = (wanted: string) => steps.find(({ name }) => name === wanted)?.run ?? assert.fail(wanted);
  assert.match(
    script('Back Up Production and Restore to Staging'),
    / --jobs 3 --keep-previous 0 --no-artifact "\$@" >/,
  );
  assert.match(script('Dry Run: Plan'), / --jobs 3 --markdown/);
  assert.doesNotMatch(rendered, /Upload Backup Artifact|ARTIFACT_NAME|steps\.backup/);
  await assertLinted(rendered, 'no-artifact.yml');
});

test('where reviewers are asked, the daily check waits for nobody', () => {
  const reviewed = renderWorkflow({ ...args, environment: 'staging', asksReviewers: true });
  const { watch, 'restore-from-do-backup': refreshing } = parse(reviewed).jobs;
  assert.deepEqual([watch.environment, refreshing.environment], [undefined, 'staging']);
  assert.doesNotMatch(JSON.stringify(watch), /secrets\./);
});

test('without a list of trusted sources there is none to close', () => {
  const without = renderWorkflow({ ...args, flags: ['--summary'] });
  assert.doesNotMatch(without, /Close Trusted Sources/);
});

test('the environment, when there is one, guards the jobs with secrets; the same arguments give the same bytes', () => {
  const guarded = parse(renderWorkflow({ ...args, environment: 'staging' })).jobs;
  assert.equal(guarded['restore-from-do-backup'].environment, 'staging');
  assert.equal(guarded.watch.environment, 'staging');
  assert.equal(guarded.dispatch.environment, undefined);
  assert.equal(renderWorkflow(args), text);
});

test('for a fork it applies the stack: the program is checked out whole, and no engine is carried', async () => {
  const forking = renderWorkflow({ ...args, flags: ['--summary'], forkedBy: 'acme/staging-refresh/prod' });
  await assertLinted(forking, 'fork.yml');
  const { jobs: forkJobs, on } = parse(forking);
  assert.deepEqual(Object.keys(on.workflow_dispatch.inputs), ['dry_run', 'nonce']);
  assert.doesNotMatch(forking, /refresh\.mjs|sparse-checkout/);
  const { steps }: Job = forkJobs['restore-from-do-backup'];
  const up = steps.find(({ id }) => id === 'refresh') ?? assert.fail();
  assert.match(up.run ?? '', /^pulumi config set staging-refresh:refreshTrigger "\$GITHUB_RUN_ID"$/m);
  assert.match(up.run ?? '', /^exec pulumi up --yes --skip-preview --non-interactive$/m);
  assert.equal(up.env?.STACK, 'acme/staging-refresh/prod');
  for (const { run = '' } of steps) assert.doesNotMatch(run, /\$\{\{/);
  assert.ok(!steps.some(({ name }) => name === 'Close Trusted Sources'));
  const opening = renderWorkflow({
    ...args,
    flags: ['--summary', '--open-trusted-sources', 'staging,production'],
    forkedBy: 'acme/staging-refresh/prod',
  });
  const closing = parse(opening).jobs['restore-from-do-backup'].steps.at(-2);
  assert.deepEqual(
    [closing.if, closing.run],
    ['always()', 'exec node scripts/launcher.js sweep production\n'],
  );
});
