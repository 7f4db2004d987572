import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import type { TargetRepository } from '../../components/github-access.ts';
import { renderWorkflow } from '../../components/workflow.ts';
import { answerAsGitHub, type GitHubAnswer, mockPulumi } from './mocks.ts';

import { workflowArgs } from './workflow-args.ts';

mockPulumi();
const { checkGitHubAccess } = await import('../../components/github-access.ts');
const { SettingsError } = await import('../../components/settings-problems.ts');

const repository = '/api/v3/repos/example/shop';
const details: GitHubAnswer = {
  body: {
    default_branch: 'trunk',
    html_url: 'https://github.example/example/shop',
    permissions: { push: true },
  },
  headers: { 'x-oauth-scopes': 'repo, workflow' },
};
const open: Readonly<Record<string, GitHubAnswer>> = {
  [repository]: details,
  [`${repository}/branches/trunk`]: { body: { protected: false } },
};

test('the default branch and the page come from GitHub', async () => {
  const { target, requests } = await check(open, {});
  assert.deepEqual(target, {
    owner: 'example',
    name: 'shop',
    branch: 'trunk',
    environment: undefined,
    asksReviewers: false,
    url: 'https://github.example/example/shop',
  });
  assert.ok(requests.every(({ authorization }) => authorization === 'Bearer ghp_hunter2'));
});

test('an existing environment is looked up', async () => {
  const answers = { ...open, [`${repository}/environments/stage%20one`]: {} };
  const { target } = await check(answers, { environment: 'stage one' });
  assert.equal(target.environment, 'stage one');
});

test('a fine-grained token tells no scopes, and none are asked of it', async () => {
  await check({ ...open, [repository]: { body: details.body } }, {});
});

const refused: readonly (readonly [
  string,
  Record<string, GitHubAnswer>,
  Record<string, string>,
  readonly RegExp[],
])[] = [
  ['a wrong token', { [repository]: { status: 401 } }, {}, [/^staging-refresh:githubToken: is refused/]],
  ['an unknown repository', {}, {}, [/^staging-refresh:repository: "example\/shop" doesn't exist/]],
  [
    'a forbidden one',
    { [repository]: { status: 403 } },
    {},
    [/^staging-refresh:githubToken: can't read .* 403$/],
  ],
  [
    'an environment that the token may not see',
    { ...open, [`${repository}/environments/stage`]: { status: 403 } },
    { environment: 'stage' },
    [
      /^staging-refresh:githubToken: can't read the environment "stage" of example\/shop: GitHub answers 403$/,
    ],
  ],
  [
    'several things at once',
    {
      [repository]: {
        body: { default_branch: 'trunk', permissions: { push: false }, archived: true },
        headers: { 'x-oauth-scopes': 'repo' },
      },
    },
    { branch: 'feature', environment: 'nope' },
    [
      /^staging-refresh:githubToken: lacks the scope "workflow"/,
      /^staging-refresh:githubToken: may read example\/shop but not write/,
      /^staging-refresh:repository: "example\/shop" is archived/,
      /^staging-refresh:branch: "feature" is not the default branch "trunk"/,
      /^staging-refresh:environment: "nope" doesn't exist/,
    ],
  ],
];
for (const [what, answers, wanted, expected] of refused) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(check(answers, wanted), (error) => {
      assert.ok(error instanceof SettingsError, String(error));
      const lines = error.problems.map(({ propertyPath, reason }) => `${propertyPath}: ${reason}`);
      assert.equal(lines.length, expected.length, lines.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? '', pattern);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });
}

test('said beforehand: a workflow that is switched off, that of another stack, and reviewers who would be asked each week', async (t) => {
  const warnings: string[] = [];
  t.mock.method(pulumi.log, 'warn', async (text: string) => warnings.push(text));
  const holding = (cluster: string) => ({
    ...open,
    [`${repository}/contents/.github/workflows/db-backup-restore-do.yml`]: {
      body: {
        content: Buffer.from(renderWorkflow({ ...workflowArgs, cluster })).toString('base64'),
      },
    },
    [`${repository}/environments/stage`]: { body: { protection_rules: [{ type: 'required_reviewers' }] } },
  });
  const state = (word: string) => ({
    ...holding('shop-staging'),
    [`${repository}/actions/workflows/db-backup-restore-do.yml`]: { body: { state: word } },
  });
  await check(holding('shop-staging'), {});
  await check(state('active'), {});
  assert.deepEqual(warnings, []);
  await check(state('disabled_inactivity'), {});
  assert.match(warnings.splice(0).join(), /switched off \(disabled_inactivity\).*"Enable workflow"/);
  const { target } = await check(holding('warehouse-staging'), { environment: 'stage' });
  assert.equal(target.asksReviewers, true);
  assert.match(warnings.join('\n'), /"stage" has required reviewers.*\n.*workflow of "warehouse-staging"/);
});

test('a preview needs a token that reads, and says what pulumi up would be refused for', async (t) => {
  const warnings: string[] = [];
  t.mock.method(pulumi.log, 'warn', async (text: string) => warnings.push(text));
  const body = { default_branch: 'trunk', permissions: { push: false } };
  const reading = { ...open, [repository]: { body, headers: { 'x-oauth-scopes': 'repo' } } };
  mockPulumi({ preview: true });
  t.after(() => mockPulumi());
  const { target } = await check(reading, {});
  assert.equal(target.branch, 'trunk');
  const [scope = '', write = '', ...others] = warnings;
  assert.match(scope, /githubToken: lacks the scope "workflow".*pulumi up will be refused/);
  assert.match(write, /githubToken: may read example\/shop but not write to it\./);
  assert.deepEqual(others, []);
  await assert.rejects(check(reading, { branch: 'feature' }), /not the default branch/);
});

test('a broken GitHub is asked three times, then named', async () => {
  const { url, requests } = await answerAsGitHub({ [repository]: { status: 502 } });
  await assert.rejects(ask(url, {}), /GitHub doesn't answer at http:\/\/127\.0\.0\.1:\d+: HTTP 502/);
  assert.equal(requests.length, 3);
});

async function check(answers: Readonly<Record<string, GitHubAnswer>>, wanted: Record<string, string>) {
  const { url, requests } = await answerAsGitHub(answers);
  return { target: await ask(url, wanted), requests };
}

function ask(apiUrl: string, wanted: { branch?: string; environment?: string }): Promise<TargetRepository> {
  return checkGitHubAccess(
    { owner: 'example', name: 'shop', branch: wanted.branch, environment: wanted.environment },
    { token: pulumi.secret('ghp_hunter2'), apiUrl },
    'shop-staging',
  );
}
