import * as z from 'zod';
import { parseBody } from '../body.ts';
import { type Answer, Refusal } from '../route.ts';
import type { GitHubRequest } from './access.ts';
import { type Hub, type RepositoryRoute, type Schema, timestamp, type VariableRecord } from './hub.ts';
import { itemOf, type ShelfKind, shelfRoutes, shelvesOf, validName } from './shelf.ts';

const text = z.string({ error: "wasn't supplied" });
const newSchema = z.object({ name: text, value: text });
const changeSchema = z.object({ name: z.string().optional(), value: z.string().optional() });

const variables: ShelfKind<VariableRecord> = {
  kind: 'variables',
  pages: { usual: 10, most: 30 },
  answer: (variable): Schema['actions-variable'] => variable,
};

/** Actions variables of the repository and of its environments. Unlike secrets they are created and changed by different calls. */
export function variableRoutes(hub: Hub): readonly RepositoryRoute[] {
  return shelvesOf<VariableRecord>('variables', (holder) => holder.variables).flatMap((shelf) => [
    ...shelfRoutes(shelf, variables),
    {
      method: 'POST',
      path: shelf.path,
      needs: [shelf.permission, 'write'],
      handle: (request, repository) => create(hub, request, shelf.items(request, repository)),
    } satisfies RepositoryRoute,
    {
      method: 'PATCH',
      path: `${shelf.path}/:name`,
      needs: [shelf.permission, 'write'],
      handle: (request, repository) => change(hub, request, shelf.items(request, repository)),
    } satisfies RepositoryRoute,
  ]);
}

function create(hub: Hub, request: GitHubRequest, items: VariableRecord[]): Answer {
  const wanted = parseBody(newSchema, request.body);
  const name = validName(wanted.name, 'Variable');
  if (items.some((each) => each.name === name)) {
    throw new Refusal(409, 'Already exists - Variable already exists');
  }
  const now = timestamp(hub);
  items.push({ name, value: wanted.value, created_at: now, updated_at: now });
  return { status: 201, body: {} };
}

function change(hub: Hub, request: GitHubRequest, items: readonly VariableRecord[]): Answer {
  const variable = itemOf(items, request);
  const wanted = parseBody(changeSchema, request.body);
  if (wanted.name !== undefined) variable.name = validName(wanted.name, 'Variable');
  if (wanted.value !== undefined) variable.value = wanted.value;
  variable.updated_at = timestamp(hub);
  return { status: 204 };
}
