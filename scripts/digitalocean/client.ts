import type { ApiAccess } from '../model/config.ts';
import type { TransportOptions } from '../system/api-call.ts';
import {
  type Backup,
  backupsAnswer,
  type Cluster,
  clusterAnswer,
  clustersAnswer,
  databasesAnswer,
  eventsAnswer,
  firewallAnswer,
  type Rule,
  usersAnswer,
} from './answers.ts';
import { Transport } from './transport.ts';

const read = { method: 'GET', scope: 'database:read' } as const;
const perPage = 200;

/**
 * The nine calls of DigitalOcean's databases API that a refresh needs, after its published description. The official
 * client, @digitalocean/dots 1.19, makes 1.4 MB of a bundle that may have 0.9 MB in all.
 */
export class DigitalOcean {
  readonly #transport: Transport;

  constructor(access: ApiAccess, options?: TransportOptions) {
    this.#transport = new Transport(access, options);
  }

  /** Every cluster that the token sees. */
  async clusters(): Promise<Cluster[]> {
    const all: Cluster[] = [];
    for (let page: number | undefined = 1; page !== undefined; ) {
      const path: string = `/v2/databases?page=${page}&per_page=${perPage}`;
      const { databases, links } = await this.#transport.send({
        ...read,
        path,
        answer: clustersAnswer,
        object: 'the account’s clusters',
      });
      all.push(...(databases ?? []));
      page = nextPage(links?.pages?.next, page);
    }
    return all;
  }

  async cluster(id: string): Promise<Cluster> {
    const { database } = await this.#transport.send({ ...read, ...about(id, ''), answer: clusterAnswer });
    return database;
  }

  /** Whether there is such a cluster. */
  async isThere(id: string): Promise<boolean> {
    return (await this.clusters()).some((cluster) => cluster.id === id);
  }

  /** Names of the cluster's databases. */
  async databases(id: string): Promise<string[]> {
    const { dbs } = await this.#transport.send({ ...read, ...about(id, '/dbs'), answer: databasesAnswer });
    return (dbs ?? []).map(({ name }) => name);
  }

  /** DigitalOcean's own backups of the cluster, newest first. */
  async backups(id: string): Promise<Backup[]> {
    const answer = await this.#transport.send({ ...read, ...about(id, '/backups'), answer: backupsAnswer });
    return [...(answer.backups ?? [])].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  }

  /** The list of trusted sources. An empty one lets everybody in. */
  async firewall(id: string): Promise<Rule[]> {
    const { rules } = await this.#transport.send({
      ...read,
      ...about(id, '/firewall'),
      answer: firewallAnswer,
    });
    return rules ?? [];
  }

  /** Replaces the list of trusted sources. Only `changeFirewall` calls it, which knows what must not be written. */
  async replaceFirewall(id: string, rules: readonly Rule[]): Promise<void> {
    await this.#transport.send({
      method: 'PUT',
      scope: 'database:update',
      ...about(id, '/firewall'),
      // Both are read-only in DigitalOcean's description.
      body: { rules: rules.map(({ cluster_uuid: _, created_at: __, ...rule }) => rule) },
    });
  }

  /** Names of the cluster's users. */
  async users(id: string): Promise<string[]> {
    const { users } = await this.#transport.send({ ...read, ...about(id, '/users'), answer: usersAnswer });
    return (users ?? []).map(({ name }) => name);
  }

  /** Gives a user a new password, which nobody here gets to know. */
  async resetPassword(id: string, user: string): Promise<void> {
    await this.#transport.send({
      method: 'POST',
      scope: 'database:update',
      ...about(id, `/users/${encodeURIComponent(user)}/reset_auth`),
      body: {},
    });
  }

  /** Ids of the changes that DigitalOcean has written down for the cluster. */
  async updateEvents(id: string): Promise<string[]> {
    const { events } = await this.#transport.send({
      ...read,
      ...about(id, '/events'),
      answer: eventsAnswer,
    });
    return (events ?? []).flatMap((event) =>
      event.id !== undefined && event.event_type === 'cluster_update' ? [event.id] : [],
    );
  }
}

function about(id: string, rest: string): { readonly path: string; readonly object: string } {
  return { path: `/v2/databases/${encodeURIComponent(id)}${rest}`, object: `cluster ${id}` };
}

/** Only the number is taken from the link: the token goes to no other place than before. */
function nextPage(next: string | undefined, page: number): number | undefined {
  if (!next) return undefined;
  const link = URL.parse(next, 'https://api.digitalocean.com');
  const number = Number(link?.searchParams.get('page'));
  return Number.isInteger(number) && number > page ? number : undefined;
}
