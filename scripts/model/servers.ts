export type Side = 'production' | 'staging';

/** What preflight found out about the two servers and what stages may rely on afterwards. */
export interface DatabaseFacts {
  readonly oid: number;
  /** Of the server, by its control file: replicas and clusters made of its files have it too. */
  readonly systemIdentifier: string;
  readonly name: string;
  readonly owner: string;
  /** Server version as `server_version` says it: `17.6`. */
  readonly version: string;
  /** `server_version_num`: 170006. */
  readonly versionNumber: number;
  readonly inRecovery: boolean;
  readonly encoding: string;
  /** CREATE DATABASE's locale clause, made from the database's own. */
  readonly locale: string;
  /** pg_database_size. */
  readonly bytes: number;
  readonly comment: string | null;
  readonly connectionLimit: number;
  readonly isTemplate: boolean;
  /** Where its files are; null: in pg_default. */
  readonly tablespace: string | null;
  /** Connections that our role may still open, those of this run among them. */
  readonly connectionsLeft: number;
  /** Locks that the server's lock table holds, all sessions together. */
  readonly lockCapacity: number;
}

/** Locks that one run may count on: the lock table is shared with everybody else on the server. */
export function usableLocks({ lockCapacity }: DatabaseFacts): number {
  return Math.floor(lockCapacity * 0.8);
}

/** The server that is changed, and what our role may do there. */
export interface StagingServer {
  readonly staging: DatabaseFacts;
  /** Staging's roles, by name. */
  readonly stagingRoles: ReadonlySet<string>;
  /** Role that we are in staging, and whether it is a superuser. */
  readonly stagingUser: string;
  readonly stagingSuperuser: boolean;
  /** Role that gets what no other role of staging can own. */
  readonly defaultOwner: string;
}

export interface Servers extends StagingServer {
  readonly production: DatabaseFacts;
}
