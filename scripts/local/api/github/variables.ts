import * as z from 'zod';
import { parseBody } from '../body.ts';
import { cutPage } from '../page.ts';
import { type Answer, param, Refusal } from '../route.ts';
import type { GitHubRequest, Permission } from './access.ts';
import { environmentOf } from './environments.ts';
import {
  type Hub,
  type RepositoryRecord,
  type RepositoryRoute,
  type Schema,
  timestamp,
  type VariableRecord,
} from './hub.ts';
import { listHeaders } from './list.ts';
import { validName } from './secrets.ts';

const text = z.string({ error: "wasn't supplied" });
const newSchema = z.object({ name: text, value: text });
const changeSchema = z.object({ name: z.string().optional(), value: z.string().optional() });

interface Shelf {
  variables: VariableRecord[];
}

/** Actions variables of the repository and of its environments. Unlike secrets they are created and changed by different calls. */
export function variableRoutes(hub: Hub): readonly RepositoryRoute[] {
  return [
    ...shelfRoutes(hub, '/actions/variables', 'variables', (_, repository) => repository),
    ...shelfRoutes(hub, '/environments/:environment/variables', 'environments', environmentOf),
  ];
}

function shelfRoutes(
  hub: Hub,
  path: string,
  permission: Permission,
  shelfOf: (request: GitHubRequest, repository: RepositoryRecord) => Shelf,
): readonly RepositoryRoute[] {
  return [
    {
      method: 'GET',
      path,
      needs: [permission, 'read'],
      handle(request, repository) {
        const page = cutPage(shelfOf(request, repository).variables, request.query, 10, 30);
        return {
          status: 200,
          headers: listHeaders(page, request),
          body: {
            total_count: page.total,
            variables: page.items satisfies readonly Schema['actions-variable'][],
          },
        };
      },
    },
    {
      method: 'POST',
      path,
      needs: [permission, 'write'],
      handle: (request, repository) => create(hub, request, shelfOf(request, repository)),
    },
    {
      method: 'GET',
      path: `${path}/:name`,
      needs: [permission, 'read'],
      handle: (request, repository) => ({
        status: 200,
        body: variableOf(shelfOf(request, repository), request),
      }),
    },
    {
      method: 'PATCH',
      path: `${path}/:name`,
      needs: [permission, 'write'],
      handle: (request, repository) => change(hub, request, shelfOf(request, repository)),
    },
    {
      method: 'DELETE',
      path: `${path}/:name`,
      needs: [permission, 'write'],
      handle(request, repository) {
        const shelf = shelfOf(request, repository);
        const variable = variableOf(shelf, request);
        shelf.variables = shelf.variables.filter((each) => each !== variable);
        return { status: 204 };
      },
    },
  ];
}

function create(hub: Hub, request: GitHubRequest, shelf: Shelf): Answer {
  const wanted = parseBody(newSchema, request.body);
  const name = validName(wanted.name, 'Variable');
  if (shelf.variables.some((each) => each.name === name)) {
    throw new Refusal(409, 'Already exists - Variable already exists');
  }
  const now = timestamp(hub);
  shelf.variables.push({ name, value: wanted.value, created_at: now, updated_at: now });
  return { status: 201, body: {} };
}

function change(hub: Hub, request: GitHubRequest, shelf: Shelf): Answer {
  const variable = variableOf(shelf, request);
  const wanted = parseBody(changeSchema, request.body);
  if (wanted.name !== undefined) variable.name = validName(wanted.name, 'Variable');
  if (wanted.value !== undefined) variable.value = wanted.value;
  variable.updated_at = timestamp(hub);
  return { status: 204 };
}

function variableOf(shelf: Shelf, request: GitHubRequest): VariableRecord {
  const name = param(request, 'name').toUpperCase();
  const variable = shelf.variables.find((each) => each.name === name);
  if (!variable) throw new Refusal(404, 'Not Found');
  return variable;
}
