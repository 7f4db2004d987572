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
  type SecretRecord,
  timestamp,
} from './hub.ts';
import { listHeaders } from './list.ts';
import { openSealedBox } from './sealed-box.ts';

const secretSchema = z.object({
  encrypted_value: z.base64('is not base64').min(1, "wasn't supplied"),
  key_id: z.string({ error: "wasn't supplied" }),
});

/** GitHub's published limits. */
const limits = { bytes: 48 * 1024, secrets: 100 };

/** Where secrets live: the repository's own list, or an environment's. */
interface Shelf {
  secrets: SecretRecord[];
}

/** Actions secrets of the repository and of its environments. */
export function secretRoutes(hub: Hub): readonly RepositoryRoute[] {
  return [
    ...shelfRoutes(hub, '/actions/secrets', 'secrets', (_, repository) => repository),
    ...shelfRoutes(hub, '/environments/:environment/secrets', 'environments', environmentOf),
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
      path: `${path}/public-key`,
      needs: [permission, 'read'],
      handle(request, repository) {
        shelfOf(request, repository);
        return {
          status: 200,
          body: { key_id: repository.key.key_id, key: repository.key.public } satisfies PublicKey,
        };
      },
    },
    {
      method: 'GET',
      path,
      needs: [permission, 'read'],
      handle(request, repository) {
        const page = cutPage(shelfOf(request, repository).secrets, request.query, 30, 100);
        return {
          status: 200,
          headers: listHeaders(page, request),
          body: { total_count: page.total, secrets: page.items.map(secretAnswer) },
        };
      },
    },
    {
      method: 'GET',
      path: `${path}/:name`,
      needs: [permission, 'read'],
      handle: (request, repository) => ({
        status: 200,
        body: secretAnswer(secretOf(shelfOf(request, repository), request)),
      }),
    },
    {
      method: 'PUT',
      path: `${path}/:name`,
      needs: [permission, 'write'],
      handle: (request, repository) => putSecret(hub, request, repository, shelfOf(request, repository)),
    },
    {
      method: 'DELETE',
      path: `${path}/:name`,
      needs: [permission, 'write'],
      handle(request, repository) {
        const shelf = shelfOf(request, repository);
        const secret = secretOf(shelf, request);
        shelf.secrets = shelf.secrets.filter((each) => each !== secret);
        return { status: 204 };
      },
    },
  ];
}

type PublicKey = Pick<Schema['actions-public-key'], 'key' | 'key_id'>;

async function putSecret(
  hub: Hub,
  request: GitHubRequest,
  { key }: RepositoryRecord,
  shelf: Shelf,
): Promise<Answer> {
  const name = validName(param(request, 'name'), 'Secret');
  const { encrypted_value, key_id } = parseBody(secretSchema, request.body);
  if (key_id !== key.key_id) throw new Refusal(422, 'Bad request - key_id does not match the public key');
  const value = await openSealedBox(key, encrypted_value);
  if (Buffer.byteLength(value) > limits.bytes)
    throw new Refusal(422, 'Secret value is too large: 48 KB at most');
  const now = timestamp(hub);
  const known = shelf.secrets.find((each) => each.name === name);
  if (known) {
    known.sealed = encrypted_value;
    known.updated_at = now;
    return { status: 204 };
  }
  if (shelf.secrets.length >= limits.secrets) throw new Refusal(422, 'Secret limit reached');
  shelf.secrets.push({ name, sealed: encrypted_value, created_at: now, updated_at: now });
  return { status: 201, body: {} };
}

/** Names of secrets and variables are kept in capitals. Throws a 422 for one that GitHub refuses. */
export function validName(name: string, kind: 'Secret' | 'Variable'): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    throw new Refusal(
      422,
      `${kind} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_)`,
    );
  }
  if (/^GITHUB_/i.test(name)) throw new Refusal(422, `${kind} names must not start with GITHUB_.`);
  return name.toUpperCase();
}

function secretOf(shelf: Shelf, request: GitHubRequest): SecretRecord {
  const name = param(request, 'name').toUpperCase();
  const secret = shelf.secrets.find((each) => each.name === name);
  if (!secret) throw new Refusal(404, 'Not Found');
  return secret;
}

function secretAnswer({ name, created_at, updated_at }: SecretRecord): Schema['actions-secret'] {
  return { name, created_at, updated_at };
}
