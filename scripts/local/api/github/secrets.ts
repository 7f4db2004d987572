import * as z from 'zod';
import { parseBody } from '../body.ts';
import { type Answer, param, Refusal } from '../route.ts';
import type { GitHubRequest } from './access.ts';
import {
  type Hub,
  type RepositoryRecord,
  type RepositoryRoute,
  type Schema,
  type SecretRecord,
  timestamp,
} from './hub.ts';
import { openSealedBox } from './sealed-box.ts';
import { type Shelf, type ShelfKind, shelfRoutes, shelvesOf, validName } from './shelf.ts';

const secretSchema = z.object({
  encrypted_value: z.base64('is not base64').min(1, "wasn't supplied"),
  key_id: z.string({ error: "wasn't supplied" }),
});

/** GitHub's published limits. */
const limits = { bytes: 48 * 1024, secrets: 100 };

const secrets: ShelfKind<SecretRecord> = {
  kind: 'secrets',
  pages: { usual: 30, most: 100 },
  answer: ({ name, created_at, updated_at }): Schema['actions-secret'] => ({ name, created_at, updated_at }),
};

type PublicKey = Pick<Schema['actions-public-key'], 'key' | 'key_id'>;

/** Actions secrets of the repository and of its environments. */
export function secretRoutes(hub: Hub): readonly RepositoryRoute[] {
  return shelvesOf<SecretRecord>('secrets', (holder) => holder.secrets).flatMap((shelf) => [
    {
      method: 'GET',
      path: `${shelf.path}/public-key`,
      needs: [shelf.permission, 'read'],
      handle(request, repository) {
        shelf.items(request, repository);
        const { key_id, public: key } = repository.key;
        return { status: 200, body: { key_id, key } satisfies PublicKey };
      },
    } satisfies RepositoryRoute,
    ...shelfRoutes(shelf, secrets),
    {
      method: 'PUT',
      path: `${shelf.path}/:name`,
      needs: [shelf.permission, 'write'],
      handle: (request, repository) => putSecret(hub, request, repository, shelf),
    } satisfies RepositoryRoute,
  ]);
}

async function putSecret(
  hub: Hub,
  request: GitHubRequest,
  repository: RepositoryRecord,
  shelf: Shelf<SecretRecord>,
): Promise<Answer> {
  const items = shelf.items(request, repository);
  const { key } = repository;
  const name = validName(param(request, 'name'), 'Secret');
  const { encrypted_value, key_id } = parseBody(secretSchema, request.body);
  if (key_id !== key.key_id) throw new Refusal(422, 'Bad request - key_id does not match the public key');
  const value = await openSealedBox(key, encrypted_value);
  if (Buffer.byteLength(value) > limits.bytes)
    throw new Refusal(422, 'Secret value is too large: 48 KB at most');
  const now = timestamp(hub);
  const known = items.find((each) => each.name === name);
  if (known) {
    known.sealed = encrypted_value;
    known.updated_at = now;
    return { status: 204 };
  }
  if (items.length >= limits.secrets) throw new Refusal(422, 'Secret limit reached');
  items.push({ name, sealed: encrypted_value, created_at: now, updated_at: now });
  return { status: 201, body: {} };
}
