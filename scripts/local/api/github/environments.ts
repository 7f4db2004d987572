import * as z from 'zod';
import { parseBody } from '../body.ts';
import { param, Refusal } from '../route.ts';
import type { GitHubRequest } from './access.ts';
import {
  type EnvironmentRecord,
  type Hub,
  nextId,
  nodeId,
  pageUrl,
  type RepositoryRecord,
  type RepositoryRoute,
  repositoryUrl,
  sameName,
  timestamp,
} from './hub.ts';
import { listAnswer } from './list.ts';

const settingsSchema = z.object({
  wait_timer: z.int().min(0).max(43_200).default(0),
  prevent_self_review: z.boolean().default(false),
  can_admins_bypass: z.boolean().default(true),
  reviewers: z
    .array(z.object({ type: z.enum(['User', 'Team']), id: z.int() }))
    .max(6)
    .nullish()
    .transform((reviewers) => reviewers ?? []),
  deployment_branch_policy: z
    .object({ protected_branches: z.boolean(), custom_branch_policies: z.boolean() })
    .refine((policy) => policy.protected_branches !== policy.custom_branch_policies, {
      message: 'protected_branches and custom_branch_policies cannot have the same value',
    })
    .nullish()
    .transform((policy) => policy ?? null),
});

export function environmentRoutes(hub: Hub): readonly RepositoryRoute[] {
  return [
    {
      method: 'GET',
      path: '/environments',
      needs: ['actions', 'read'],
      handle: (request, repository) =>
        listAnswer(request, 'environments', repository.environments, (each) =>
          environmentAnswer(request, repository, each),
        ),
    },
    {
      method: 'GET',
      path: '/environments/:environment',
      needs: ['actions', 'read'],
      handle: (request, repository) => ({
        status: 200,
        body: environmentAnswer(request, repository, environmentOf(request, repository)),
      }),
    },
    {
      method: 'PUT',
      path: '/environments/:environment',
      needs: ['administration', 'write'],
      handle: (request, repository) => ({
        status: 200,
        body: environmentAnswer(request, repository, putEnvironment(hub, request, repository)),
      }),
    },
    {
      method: 'DELETE',
      path: '/environments/:environment',
      needs: ['administration', 'write'],
      handle(request, repository) {
        const environment = environmentOf(request, repository);
        repository.environments = repository.environments.filter((each) => each !== environment);
        return { status: 204 };
      },
    },
  ];
}

/** The environment that the request's path names. Throws a 404. */
export function environmentOf(request: GitHubRequest, repository: RepositoryRecord): EnvironmentRecord {
  const name = param(request, 'environment');
  const environment = repository.environments.find((each) => sameName(each.name, name));
  if (!environment) throw new Refusal(404, 'Not Found');
  return environment;
}

/** The same call creates and changes; what it leaves out goes back to its default. */
function putEnvironment(hub: Hub, request: GitHubRequest, repository: RepositoryRecord): EnvironmentRecord {
  const settings = parseBody(settingsSchema, request.body);
  const name = param(request, 'environment');
  if (name.length > 255) throw new Refusal(422, 'environment name is too long');
  const now = timestamp(hub);
  const known = repository.environments.find((each) => sameName(each.name, name));
  if (known) return Object.assign(known, settings, { updated_at: now });
  const environment: EnvironmentRecord = {
    id: nextId(hub),
    name,
    created_at: now,
    updated_at: now,
    ...settings,
    secrets: [],
    variables: [],
  };
  repository.environments.push(environment);
  return environment;
}

function environmentAnswer(
  request: GitHubRequest,
  repository: RepositoryRecord,
  environment: EnvironmentRecord,
): Record<string, unknown> {
  const { id, name, created_at, updated_at, can_admins_bypass, deployment_branch_policy } = environment;
  const encoded = encodeURIComponent(name);
  return {
    id,
    node_id: nodeId('EN', id),
    name,
    url: `${repositoryUrl(request, repository)}/environments/${encoded}`,
    html_url: `${pageUrl(request, repository)}/deployments/activity_log?environments_filter=${encoded}`,
    created_at,
    updated_at,
    can_admins_bypass,
    protection_rules: protectionRules(environment),
    deployment_branch_policy,
  };
}

function protectionRules(environment: EnvironmentRecord): readonly Record<string, unknown>[] {
  const { id, wait_timer, reviewers, prevent_self_review, deployment_branch_policy } = environment;
  const rule = (number: number, type: string, rest: object = {}) => ({
    id: id * 10 + number,
    node_id: nodeId('GA', id * 10 + number),
    type,
    ...rest,
  });
  return [
    ...(wait_timer > 0 ? [rule(1, 'wait_timer', { wait_timer })] : []),
    ...(reviewers.length > 0
      ? [
          rule(2, 'required_reviewers', {
            prevent_self_review,
            reviewers: reviewers.map((each) => ({ type: each.type, reviewer: { id: each.id } })),
          }),
        ]
      : []),
    ...(deployment_branch_policy ? [rule(3, 'branch_policy')] : []),
  ];
}
