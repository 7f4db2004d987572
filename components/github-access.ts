import { setTimeout as sleep } from 'node:timers/promises';
import * as pulumi from '@pulumi/pulumi';
import * as z from 'zod';
import { workflow } from '../scripts/contract.ts';
import type { Account, Repository } from './settings.ts';
import { problem, type SettingProblem, SettingsError } from './settings-problems.ts';
import { refreshedCluster } from './workflow.ts';

/** The repository that the workflow goes to, as GitHub describes it. */
export interface TargetRepository {
  readonly owner: string;
  readonly name: string;
  /** The default branch: GitHub runs schedules from no other. */
  readonly branch: string;
  readonly environment: string | undefined;
  /** Whether somebody has to approve each job that uses the environment. */
  readonly asksReviewers: boolean;
  /** Address of its page. */
  readonly url: string;
}

/**
 * Asks GitHub what its provider can't tell before it writes: a missing `workflow` scope, for one, comes back as a
 * plain 404. Reads only; an environment is looked up and never managed, or its reviewers would be lost.
 * @param cluster staging's, by the name that the stack has for it
 * @throws SettingsError with everything that GitHub would refuse; of a preview, which writes nothing, with what it reads
 */
export async function checkGitHubAccess(
  repository: Repository,
  account: Account,
  cluster: string,
): Promise<TargetRepository> {
  const { owner, name, environment } = repository;
  const ask = await asker(account);
  const answer = await ask(`/repos/${owner}/${name}`);
  const refusal = refusalOf(answer.status, `${owner}/${name}`);
  if (refusal) throw new SettingsError([refusal]);
  const details = repositoryAnswer.parse(answer.body);
  const branch = repository.branch ?? details.default_branch;
  const held = environment === undefined ? none : await lookUpEnvironment(repository, environment, ask);
  const ofWriting = [
    ...scopeProblems(answer.scopes),
    ...(details.permissions?.push === false
      ? [problem('githubToken', `may read ${owner}/${name} but not write to it`)]
      : []),
    ...(details.archived
      ? [
          problem(
            'repository',
            `"${owner}/${name}" is archived: nothing can be written, and no schedule runs`,
          ),
        ]
      : []),
  ];
  const previews = pulumi.runtime.isDryRun();
  const problems = [
    ...(previews ? [] : ofWriting),
    ...branchProblems(branch, details.default_branch),
    ...held.problems,
  ];
  if (problems.length > 0) throw new SettingsError(problems);
  if (previews) await warnOfUp(ofWriting);
  await warnOfProtection(repository, branch, ask);
  await warnOfOtherStack(repository, cluster, ask);
  await warnOfSwitchedOff(repository, ask);
  const url = details.html_url ?? `https://github.com/${owner}/${name}`;
  return { owner, name, branch, environment, asksReviewers: held.asksReviewers, url };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Scopes of a classic token; undefined for a fine-grained one, which doesn't tell. */
  readonly scopes: readonly string[] | undefined;
}

type Ask = (path: string) => Promise<Answer>;

/** What is read of GitHub's answers. */
export const repositoryAnswer = z.object({
  default_branch: z.string(),
  html_url: z.string().optional(),
  permissions: z.object({ push: z.boolean().optional() }).optional(),
  archived: z.boolean().optional(),
});

async function asker(account: Account): Promise<Ask> {
  const token = await new Promise<string>((resolve) => {
    account.token.apply(resolve);
  });
  // The provider speaks to any host but github.com as to GitHub Enterprise, and so must we.
  const enterprise = account.apiUrl?.replace(/\/api\/v3$/, '');
  const base = enterprise === undefined ? 'https://api.github.com' : `${enterprise}/api/v3`;
  return async (path) => {
    const response = await fetchThrice(`${base}${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json' },
    });
    const scopes = response.headers.get('x-oauth-scopes')?.split(',');
    const body: unknown = await response.json().catch(() => undefined);
    return { status: response.status, body, scopes: scopes?.map((scope) => scope.trim()) };
  };
}

async function fetchThrice(url: string, init: RequestInit): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url, init).catch((error: Error) => error);
    const failed = response instanceof Error || response.status >= 500;
    if (!failed) return response;
    if (attempt === 3) {
      const reason = response instanceof Error ? response.message : `HTTP ${response.status}`;
      throw new pulumi.RunError(`GitHub doesn't answer at ${new URL(url).origin}: ${reason}`);
    }
    await sleep(attempt * 500);
  }
}

function refusalOf(status: number, repository: string): SettingProblem | undefined {
  if (status === 200) return undefined;
  if (status === 401) return problem('githubToken', 'is refused by GitHub: wrong, expired or revoked');
  if (status === 404)
    return problem('repository', `"${repository}" doesn't exist, or githubToken may not see it`);
  return problem('githubToken', `can't read ${repository}: GitHub answers ${status}`);
}

function scopeProblems(scopes: readonly string[] | undefined): SettingProblem[] {
  // An empty header is sent for tokens that have no scopes in this sense, such as those of an app.
  const told = scopes?.filter((scope) => scope !== '') ?? [];
  if (told.length === 0) return [];
  return ['repo', 'workflow']
    .filter((scope) => !told.includes(scope))
    .map((scope) =>
      problem('githubToken', `lacks the scope "${scope}": GitHub would answer 404 to every write`),
    );
}

/** A pull request's preview may well have a token that only reads. */
async function warnOfUp(problems: readonly SettingProblem[]): Promise<void> {
  for (const { propertyPath, reason } of problems)
    await pulumi.log.warn(
      `${propertyPath}: ${reason}. This preview needs no more; pulumi up will be refused`,
    );
}

function branchProblems(branch: string, defaultBranch: string): SettingProblem[] {
  if (branch === defaultBranch) return [];
  const reason = `"${branch}" is not the default branch "${defaultBranch}", and GitHub runs schedules from that one only`;
  return [problem('branch', reason)];
}

interface FoundEnvironment {
  readonly problems: readonly SettingProblem[];
  readonly asksReviewers: boolean;
}

const none: FoundEnvironment = { problems: [], asksReviewers: false };

async function lookUpEnvironment(
  { owner, name }: Repository,
  environment: string,
  ask: Ask,
): Promise<FoundEnvironment> {
  const { status, body } = await ask(
    `/repos/${owner}/${name}/environments/${encodeURIComponent(environment)}`,
  );
  if (status === 200) return { problems: [], asksReviewers: await warnOfReviewers(environment, body) };
  if (status !== 404) {
    const reason = `can't read the environment "${environment}" of ${owner}/${name}: GitHub answers ${status}`;
    return { problems: [problem('githubToken', reason)], asksReviewers: false };
  }
  const page = `https://github.com/${owner}/${name}/settings/environments`;
  const reason = `"${environment}" doesn't exist in ${owner}/${name}: make it on ${page}`;
  return { problems: [problem('environment', reason)], asksReviewers: false };
}

export const environmentAnswer = z.object({
  protection_rules: z.array(z.object({ type: z.string() })).optional(),
});

async function warnOfReviewers(environment: string, body: unknown): Promise<boolean> {
  const rules = environmentAnswer.safeParse(body).data?.protection_rules ?? [];
  if (!rules.some(({ type }) => type === 'required_reviewers')) return false;
  await pulumi.log.warn(
    `environment "${environment}" has required reviewers: each weekly refresh will wait until one of them approves it. ` +
      'The daily check waits for nobody, and so gets none of its secrets: it fails, and GitHub alone tells of that',
  );
  return true;
}

export const branchAnswer = z.object({ protected: z.boolean() });

/** Whether a rule lets this token through shows only at the write: said beforehand, so that a refusal is understood. */
async function warnOfProtection({ owner, name }: Repository, branch: string, ask: Ask): Promise<void> {
  const { body } = await ask(`/repos/${owner}/${name}/branches/${encodeURIComponent(branch)}`);
  const answer = branchAnswer.safeParse(body);
  if (!answer.success || !answer.data.protected) return;
  await pulumi.log.warn(
    `branch "${branch}" of ${owner}/${name} is protected: where its rules refuse the workflow's files (409 or 422), ` +
      "let githubToken's owner bypass them",
  );
}

export const fileAnswer = z.object({ content: z.string() });

/** Both would write the same file and the same secrets, and the first to be destroyed would take them from the other. */
async function warnOfOtherStack({ owner, name }: Repository, cluster: string, ask: Ask): Promise<void> {
  const answer = fileAnswer.safeParse((await ask(`/repos/${owner}/${name}/contents/${workflow.path}`)).body);
  if (!answer.success) return;
  const other = refreshedCluster(Buffer.from(answer.data.content, 'base64').toString('utf8'));
  if (other === undefined || other === cluster) return;
  await pulumi.log.warn(
    `${owner}/${name} has the workflow of "${other}", and this stack's is for "${cluster}". If that is another stack, ` +
      'each would overwrite and delete the other’s secrets: one stack a repository. After a change of stagingCluster ' +
      'it is right, and said once',
  );
}

export const workflowAnswer = z.object({ state: z.string() });

/** By hand, or by GitHub after 60 quiet days of a public repository. The daily check can't tell: it is off with the rest. */
async function warnOfSwitchedOff({ owner, name }: Repository, ask: Ask): Promise<void> {
  const file = workflow.path.replace(/^.*\//, '');
  const answer = workflowAnswer.safeParse(
    (await ask(`/repos/${owner}/${name}/actions/workflows/${file}`)).body,
  );
  if (!answer.success || answer.data.state === 'active') return;
  await pulumi.log.warn(
    `the weekly workflow in ${owner}/${name} is switched off (${answer.data.state}), its daily check with it: nothing is ` +
      'refreshed there, and nobody is told. GitHub, Actions, the workflow, "Enable workflow"',
  );
}
