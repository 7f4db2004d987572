import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { components, paths } from '@octokit/openapi-types';
import * as pulumi from '@pulumi/pulumi';
import type * as z from 'zod';
import {
  type branchAnswer,
  checkGitHubAccess,
  type environmentAnswer,
  type fileAnswer,
  type repositoryAnswer,
  type workflowAnswer,
} from '../../components/github-access.ts';

type Schema = components['schemas'];
type Published<Answer extends z.ZodType> = (published: z.input<Answer>) => void;

/** What GitHub's own description promises is what we read: checked by the compiler, whatever GitHub changes. */
const described: [
  (published: Pick<Schema['full-repository'], 'default_branch' | 'html_url' | 'permissions'>) => void,
  (published: Pick<Schema['branch-with-protection'], 'protected'>) => void,
  (published: Pick<Schema['environment'], 'protection_rules'>) => void,
  (published: Pick<Schema['content-file'], 'content'>) => void,
  (published: Pick<Schema['workflow'], 'state'>) => void,
] = [
  ((_) => undefined) satisfies Published<typeof repositoryAnswer>,
  ((_) => undefined) satisfies Published<typeof branchAnswer>,
  ((_) => undefined) satisfies Published<typeof environmentAnswer>,
  ((_) => undefined) satisfies Published<typeof fileAnswer>,
  ((_) => undefined) satisfies Published<typeof workflowAnswer>,
];

const asked = [
  '/repos/{owner}/{repo}',
  '/repos/{owner}/{repo}/environments/{environment_name}',
  '/repos/{owner}/{repo}/branches/{branch}',
  '/repos/{owner}/{repo}/contents/{path}',
  '/repos/{owner}/{repo}/actions/workflows/{workflow_id}',
] satisfies (keyof paths)[];

test('what the program asks GitHub before anything is registered are paths that GitHub describes', async (t) => {
  assert.equal(described.length, 5);
  const seen: string[] = [];
  t.mock.method(globalThis, 'fetch', async (url: string) => {
    seen.push(new URL(url).pathname);
    return Response.json({ default_branch: 'main', protected: false });
  });
  await checkGitHubAccess(
    { owner: 'shop', name: 'app', branch: undefined, environment: 'staging' },
    { token: pulumi.output('t'), apiUrl: undefined },
    'shop-staging',
  );
  const filled = asked.map((path) =>
    path
      .replace('{owner}', 'shop')
      .replace('{repo}', 'app')
      .replace('{environment_name}', 'staging')
      .replace('{branch}', 'main')
      .replace('{workflow_id}', 'db-backup-restore-do.yml')
      .replace('{path}', '.github/workflows/db-backup-restore-do.yml'),
  );
  assert.deepEqual(seen, filled);
});
