import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import type { RefreshArgs } from '../../components/refresh.ts';
import { refreshArgs as args } from './component-args.ts';
import { isSecretInput, mockPulumi, plain, settled, summary } from './mocks.ts';

const registered = mockPulumi();
const { Refresh } = await import('../../components/refresh.ts');
const { afterPublishProblem, readSummary } = await import('../../components/refresh-report.ts');

test('the engine runs as the command, secrets by environment only', async () => {
  const inputs = await commandOf('runs', args);
  assert.equal(inputs.update, 'printf %s "$PULUMI_COMMAND_STDOUT"');
  assert.equal(inputs.addPreviousOutputInEnv, true);
  assert.equal(inputs.logging, 'stderr');
  assert.equal(inputs.delete, undefined);
  assert.equal(inputs.dir, undefined, 'a path of this machine would differ on the next');
  assert.match(
    String(inputs.create),
    /^REFRESH_SHELL_PID=\$\$ node scripts\/launcher\.js run --summary --owner app \|\| /,
  );
  // The mocks hand a map with a secret in it over as one secret; engineEnvironment's own test tells them apart.
  assert.ok(isSecretInput(inputs.environment));
  assert.deepEqual(plain(inputs.environment), {
    PRODUCTION_DB_URL: 'postgresql://p',
    PROD_DB_CLUSTER_ID: 'prod-id',
  });
});

test('policy, strategy and recipient become flags', async () => {
  const inputs = await commandOf('flags', {
    ...args,
    policy: { ...args.policy, path: 'policies/shop.yaml' },
    strategy: 'in-place',
    artifactRecipient: 'age1abc',
    owner: undefined,
  });
  assert.match(
    String(inputs.create),
    /run --summary --policy policies\/shop\.yaml --strategy in-place --recipient age1abc \|\|/,
  );
});

test('in github the workflow is started, and this machine gets no address of a database', async () => {
  const inputs = await commandOf('github', { ...args, refreshIn: 'github' });
  assert.match(
    String(inputs.create),
    /^REFRESH_SHELL_PID=\$\$ node scripts\/launcher\.js dispatch --repository example\/shop --ref trunk \|\| /,
  );
  assert.ok(isSecretInput(inputs.environment));
  assert.deepEqual(plain(inputs.environment), {
    GITHUB_TOKEN: 'ghp_token',
    GITHUB_API_URL: 'http://127.0.0.1:9',
  });
  assert.deepEqual(plain(inputs.triggers), plain((await commandOf('github-not', args)).triggers));
});

test('exit code 6 is a success, every other one stays what it is', async () => {
  const { create } = await commandOf('codes', args);
  const tail = String(create).slice(String(create).indexOf('||'));
  for (const [code, expected] of [
    [0, 0],
    [2, 2],
    [3, 3],
    [4, 4],
    [5, 5],
    [6, 0],
    [130, 130],
  ]) {
    assert.equal(spawnSync('/bin/sh', ['-c', `(exit ${code}) ${tail}`]).status, expected, `exit ${code}`);
  }
});

test('the update command hands the last summary on as it is', async () => {
  const { update } = await commandOf('keeps', args);
  const stdout = `{"warnings":["50% of it's \\\\n \\"$HOME\\""]}`;
  const result = spawnSync('/bin/sh', ['-c', String(update)], { env: { PULUMI_COMMAND_STDOUT: stdout } });
  assert.equal(result.stdout.toString(), stdout);
});

const { triggers, environment } = args;
const changes: readonly (readonly [string, Partial<RefreshArgs>, boolean])[] = [
  ['a request', { triggers: { ...triggers, request: 'now' } }, true],
  ['the engine', { triggers: { ...triggers, engine: 'engine-2' } }, true],
  ['production’s cluster', { triggers: { ...triggers, productionClusterId: 'other' } }, true],
  ['staging’s cluster', { triggers: { ...triggers, stagingClusterId: 'other' } }, true],
  ['staging’s database', { triggers: { ...triggers, stagingDatabase: 'other' } }, true],
  ['the policy', { policy: { ...args.policy, hash: 'policy-2' } }, true],
  ['a password', { environment: { ...environment, PRODUCTION_DB_URL: pulumi.secret('rotated') } }, false],
  ['the owner', { owner: 'other' }, true],
  ['the strategy', { strategy: 'in-place' }, false],
];
for (const [index, [what, change, refreshes]] of changes.entries()) {
  test(`a change of ${what} ${refreshes ? 'refreshes' : "doesn't refresh"}`, async () => {
    const before = await commandOf(`before-${index}`, args);
    const after = await commandOf(`after-${index}`, { ...args, ...change });
    assert.notDeepEqual(plain({ ...before }), plain({ ...after }), 'the change must arrive');
    if (refreshes) assert.notDeepEqual(before.triggers, after.triggers);
    else assert.deepEqual(before.triggers, after.triggers);
  });
}

test('the report is an object, and no secret', async () => {
  const refresh = new Refresh('report', args);
  assert.deepEqual(await settled(refresh.report), summary);
  assert.equal(await pulumi.isSecret(refresh.report), false);
});

test('a failure after publishing is put in words; without one there is nothing to say', () => {
  const error = {
    code: 'published-with-failures',
    message: 'the report was not written',
    hint: 'look at the disk',
  };
  const failed = readSummary(JSON.stringify({ ...summary, exitCode: 6, error }));
  assert.match(
    afterPublishProblem(failed) ?? '',
    /published-with-failures: the report was not written\. HINT: look/,
  );
  assert.equal(afterPublishProblem(readSummary(JSON.stringify(summary))), undefined);
});

test('a summary that can’t be read says what to do', () => {
  for (const text of ['', 'Segmentation fault', '{}']) {
    assert.throws(() => readSummary(text), /change staging-refresh:refreshTrigger/);
  }
});

async function commandOf(name: string, refreshArgs: RefreshArgs): Promise<Readonly<Record<string, unknown>>> {
  await settled(new Refresh(name, refreshArgs).report);
  const command = registered.find((resource) => resource.name === `${name}-run`);
  assert.ok(command);
  return command.inputs;
}
