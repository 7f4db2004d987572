import { cutPage, pageLinks } from '../page.ts';
import type { Answer } from '../route.ts';
import type { DigitalOceanRequest, ScopedRoute } from './access.ts';
import { type Account, clusterOf } from './account.ts';
import { clusterAnswer } from './cluster-answer.ts';
import { newCluster } from './cluster-order.ts';
import { type Provisioning, recordEvent, requireServer } from './lifecycle.ts';

const path = '/v2/databases';

export function clusterRoutes(account: Account, provisioning: Provisioning): readonly ScopedRoute[] {
  return [
    { method: 'GET', path, scope: 'database:read', handle: (request) => list(account, request) },
    {
      method: 'POST',
      path,
      scope: 'database:create',
      handle: (request) => create(account, provisioning, request),
    },
    {
      method: 'GET',
      path: `${path}/:cluster`,
      scope: 'database:read',
      handle(request) {
        const cluster = clusterOf(account, request);
        requireServer(cluster);
        return answer(200, account, request, cluster);
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:cluster`,
      scope: 'database:delete',
      handle: (request) => destroy(account, provisioning, request),
    },
    {
      method: 'GET',
      path: `${path}/:cluster/events`,
      scope: 'database:read',
      handle(request) {
        const { name, events } = clusterOf(account, request);
        return { status: 200, body: { events: events.map((event) => ({ ...event, cluster_name: name })) } };
      },
    },
  ];
}

function list(account: Account, request: DigitalOceanRequest): Answer {
  const tag = request.query.get('tag_name');
  const clusters = account.state.clusters.filter(({ tags }) => !tag || tags.includes(tag));
  const page = cutPage(clusters, request.query, 20, 200);
  const pages = pageLinks(page, `${request.origin}${path}`, request.query);
  return {
    status: 200,
    body: {
      databases: page.items.map((cluster) => clusterAnswer(account, cluster, request.access)),
      links: Object.keys(pages).length > 0 ? { pages } : {},
      meta: { total: page.total },
    },
  };
}

function create(account: Account, provisioning: Provisioning, request: DigitalOceanRequest): Answer {
  const cluster = newCluster(account, request.body);
  account.state.clusters.push(cluster);
  recordEvent(account, cluster, 'cluster_create');
  provisioning.begin(cluster);
  return answer(201, account, request, cluster);
}

async function destroy(
  account: Account,
  provisioning: Provisioning,
  request: DigitalOceanRequest,
): Promise<Answer> {
  const cluster = clusterOf(account, request);
  await provisioning.settled(cluster.id);
  await account.host.release(cluster.id);
  account.state.clusters = account.state.clusters.filter((each) => each !== cluster);
  return { status: 204 };
}

function answer(
  status: number,
  account: Account,
  request: DigitalOceanRequest,
  cluster: ReturnType<typeof clusterOf>,
): Answer {
  return { status, body: { database: clusterAnswer(account, cluster, request.access) } };
}
