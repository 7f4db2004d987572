/**
 * What the emulation of DigitalOcean asks of the local PostgreSQL servers. The emulation keeps the account's books
 * (names, sizes, statuses, trusted sources); whoever implements this makes the books true.
 */
export interface ClusterHost {
  /**
   * Creates and starts a PostgreSQL server of that major version. Called again for the same id after a restart
   * that came in the middle: what is there already is started and handed back, not made twice.
   */
  provision(cluster: ClusterOrder): Promise<ClusterConnection>;
  /** Stops and deletes the server. Nothing to do when it does not exist (its making may have failed). */
  release(id: string): Promise<void>;
  createDatabase(id: string, name: string): Promise<void>;
  /** Ends the sessions in the database first, as DigitalOcean does. */
  dropDatabase(id: string, name: string): Promise<void>;
  createUser(id: string, name: string, password: string): Promise<void>;
  /** `reset_auth`: the role exists, `doadmin` included; it gets this password. */
  setPassword(id: string, name: string, password: string): Promise<void>;
  dropUser(id: string, name: string): Promise<void>;
}

export interface ClusterOrder {
  readonly id: string;
  readonly name: string;
  /** Major version, such as `17`. */
  readonly version: string;
  /** With it the server begins as a copy of another cluster: DigitalOcean's `backup_restore`, a fork. */
  readonly restore?: { readonly clusterId: string /** ISO 8601 time of the backup. */; readonly at: string };
}

/** How the cluster's administrator reaches it. */
export interface ClusterConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** The certificate authority's certificate, PEM text. */
  readonly ca: string;
}
