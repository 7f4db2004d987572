import { randomUUID } from 'node:crypto';
import { Refusal } from '../route.ts';
import { type Account, type ClusterRecord, type EventRecord, timestamp } from './account.ts';

export type ClusterStatus = ClusterRecord['busy'] | 'online';

/** The servers that are being made, by cluster id: deleting the cluster or closing the emulation waits for them. */
export class Provisioning {
  readonly #account: Account;
  readonly #running = new Map<string, Promise<void>>();

  constructor(account: Account) {
    this.#account = account;
  }

  /** Goes on with what a former process left half made. */
  resume(): void {
    for (const cluster of this.#account.state.clusters) {
      if (!cluster.connection && !cluster.failure) this.begin(cluster);
    }
  }

  begin(cluster: ClusterRecord): void {
    const work = this.#provision(cluster).finally(() => this.#running.delete(cluster.id));
    this.#running.set(cluster.id, work);
  }

  async settled(id?: string): Promise<void> {
    await Promise.all(id === undefined ? this.#running.values() : [this.#running.get(id)]);
  }

  async #provision(cluster: ClusterRecord): Promise<void> {
    const { id, name, version, restore } = cluster;
    try {
      const connection = await this.#account.host.provision({
        id,
        name,
        version,
        ...(restore && { restore }),
      });
      takeConnection(cluster, connection);
    } catch (error) {
      cluster.failure = error instanceof Error ? error.message : String(error);
      process.stderr.write(
        `local API: the server of cluster ${name} could not be made: ${cluster.failure}\n`,
      );
    }
    this.#account.save();
  }
}

/** Writes down how the cluster is reached, its administrator and its first database. */
export function takeConnection(
  cluster: ClusterRecord,
  connection: NonNullable<ClusterRecord['connection']>,
): void {
  cluster.connection = connection;
  const { user: name, password, database } = connection;
  const others = cluster.users.filter((user) => user.role !== 'primary');
  cluster.users = [{ name, role: 'primary', password }, ...others];
  if (!cluster.databases.includes(database)) cluster.databases.unshift(database);
}

export function statusOf(account: Account, cluster: ClusterRecord): ClusterStatus {
  return cluster.connection && account.now().getTime() >= cluster.ready_at ? 'online' : cluster.busy;
}

/** Throws a 500 when the server behind the cluster could not be made: to wait for it would never end. */
export function requireServer({ failure }: ClusterRecord): void {
  if (failure) throw new Refusal(500, `the local server could not be made: ${failure}`);
}

/** Throws a 422 unless the cluster is online: its server takes no orders before. */
export function requireOnline(account: Account, cluster: ClusterRecord): void {
  if (statusOf(account, cluster) !== 'online') throw new Refusal(422, 'cluster is not online');
}

/** From now on the cluster is busy, for as long as creating one takes. */
export function makeBusy(account: Account, cluster: ClusterRecord, busy: ClusterRecord['busy']): void {
  cluster.busy = busy;
  cluster.ready_at = account.now().getTime() + account.creatingSeconds * 1000;
}

export function recordEvent(account: Account, cluster: ClusterRecord, type: EventRecord['event_type']): void {
  cluster.events.push({ id: randomUUID(), event_type: type, create_time: timestamp(account.now()) });
}
