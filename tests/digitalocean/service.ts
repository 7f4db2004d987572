import { mkdtemp } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Rule } from '../../scripts/digitalocean/answers.ts';
import {
  type Emulation,
  production,
  providerOrder,
  startDigitalOcean,
  token,
} from '../local/api/emulation.ts';
import type { Scenario } from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';

/** A scenario's two servers as clusters of an emulated DigitalOcean. */
export interface Service extends Emulation {
  readonly productionId: string;
  readonly stagingId: string;
  /** The scenario's environment with token, ids, and a state folder of the test's own. */
  readonly environment: Record<string, string>;
  /** `type value` of the cluster's rules, sorted. */
  list(id: string): Promise<string[]>;
  /** What a person does on the cluster's page. */
  save(id: string, rules: readonly object[]): Promise<void>;
  /** PUT requests since the last call. */
  writes(): Promise<string[]>;
}

export const office = { type: 'ip_addr', value: '198.51.100.0/24', description: 'the office' };

export async function startService(t: TestContext, scenario: Scenario): Promise<Service> {
  const { server } = scenario.production;
  const emulation = await startDigitalOcean(t, {
    production: {
      ...production,
      connection: { ...production.connection, host: server.host, port: server.port },
    },
  });
  const { call } = emulation;
  const order = await call('POST', '/v2/databases', { body: providerOrder('shop-staging') });
  const stagingId: string = order.body.database.id;
  const state = await mkdtemp(join(await testFolder(), 'state-'));
  return {
    ...emulation,
    productionId: production.id,
    stagingId,
    environment: {
      ...scenario.environment,
      DO_API_URL: emulation.url,
      DO_API_TOKEN: token,
      PROD_DB_CLUSTER_ID: production.id,
      STAGING_DB_CLUSTER_ID: stagingId,
      XDG_STATE_HOME: state,
    },
    async list(id) {
      const { rules } = (await call('GET', `/v2/databases/${id}/firewall`)).body as { rules: Rule[] };
      return rules.map(({ type, value }) => `${type} ${value}`).sort();
    },
    async save(id, rules) {
      await call('PUT', `/v2/databases/${id}/firewall`, { body: { rules } });
    },
    async writes() {
      const { requests } = (await call('GET', '/_local/log')).body;
      await call('DELETE', '/_local/log');
      return requests
        .filter(({ method }: { method: string }) => method === 'PUT')
        .map(({ path }: { path: string }) => path);
    },
  };
}

export interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A web server on loopback that keeps what it gets and answers as the test says, in turn; then 200. */
export async function startWeb(
  t: TestContext,
  answers: readonly ({ status: number } | { body: string })[] = [],
): Promise<{ url: string; received: readonly Received[] }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    received.push({ headers: request.headers, body });
    const answer = answers[Math.min(received.length, answers.length) - 1];
    response.statusCode = answer && 'status' in answer ? answer.status : 200;
    response.end(answer && 'body' in answer ? answer.body : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}
