import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { parseBody } from '../body.ts';
import { param, Refusal } from '../route.ts';
import type { DigitalOceanRequest, ScopedRoute } from './access.ts';
import { type Account, type ClusterRecord, clusterOf, type UserRecord } from './account.ts';
import { userAnswer } from './cluster-answer.ts';
import { requireOnline } from './lifecycle.ts';
import { memberRoutes } from './member.ts';

const path = '/v2/databases/:cluster/users';

const settingsSchema = z.object({ pg_allow_replication: z.boolean().default(false) });
const userSchema = z.object({
  name: z.string().regex(/^\w[\w-]{0,62}$/, 'invalid user name'),
  settings: settingsSchema.nullish(),
});
const updateSchema = z.object({ settings: settingsSchema });

export function userRoutes(account: Account): readonly ScopedRoute[] {
  return [
    ...memberRoutes(path, 'user', {
      list: (request) => ({
        status: 200,
        body: { users: clusterOf(account, request).users.map((user) => userAnswer(user, request.access)) },
      }),
      create: (request) => create(account, request),
      read: (request) => answer(200, userOf(clusterOf(account, request), request), request),
      drop: (request) => drop(account, request),
    }),
    {
      method: 'PUT',
      path: `${path}/:user`,
      scope: 'database:update',
      handle: (request) => update(account, request),
    },
    {
      method: 'POST',
      path: `${path}/:user/reset_auth`,
      scope: 'database:update',
      handle: (request) => resetPassword(account, request),
    },
  ];
}

async function create(account: Account, request: DigitalOceanRequest) {
  const cluster = clusterOf(account, request);
  const { name, settings } = parseBody(userSchema, request.body);
  requireOnline(account, cluster);
  if (cluster.users.some((user) => user.name === name)) throw new Refusal(422, 'user name is not available');
  const user: UserRecord = {
    name,
    role: 'normal',
    password: newPassword(),
    ...(settings && { pg_allow_replication: settings.pg_allow_replication }),
  };
  await account.host.createUser(cluster.id, name, user.password);
  cluster.users.push(user);
  return answer(201, user, request);
}

/** The books alone: the local server's role keeps its rights. */
function update(account: Account, request: DigitalOceanRequest) {
  const user = userOf(clusterOf(account, request), request);
  user.pg_allow_replication = parseBody(updateSchema, request.body).settings.pg_allow_replication;
  return answer(201, user, request);
}

async function drop(account: Account, request: DigitalOceanRequest) {
  const cluster = clusterOf(account, request);
  const user = userOf(cluster, request);
  if (user.role === 'primary') throw new Refusal(422, `the default user ${user.name} cannot be deleted`);
  requireOnline(account, cluster);
  await account.host.dropUser(cluster.id, user.name);
  cluster.users = cluster.users.filter((each) => each !== user);
  return { status: 204 };
}

async function resetPassword(account: Account, request: DigitalOceanRequest) {
  const cluster = clusterOf(account, request);
  const user = userOf(cluster, request);
  requireOnline(account, cluster);
  const password = newPassword();
  await account.host.setPassword(cluster.id, user.name, password);
  user.password = password;
  if (cluster.connection && user.role === 'primary') cluster.connection = { ...cluster.connection, password };
  return answer(200, user, request);
}

function answer(status: number, user: UserRecord, request: DigitalOceanRequest) {
  return { status, body: { user: userAnswer(user, request.access) } };
}

function userOf(cluster: ClusterRecord, request: DigitalOceanRequest): UserRecord {
  const name = param(request, 'user');
  const user = cluster.users.find((each) => each.name === name);
  if (!user) throw new Refusal(404, 'user not found');
  return user;
}

/** Looks like DigitalOcean's own. */
function newPassword(): string {
  return `AVNS_${randomBytes(15).toString('base64url')}`;
}
