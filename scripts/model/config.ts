import type { Policy } from './policy.ts';
import type { Secret } from './secret.ts';
import type { ServerAddress } from './server-address.ts';
import type { Side } from './servers.ts';

/** A provider's API and the token for it. */
export interface ApiAccess {
  /** Scheme, host and port, without a slash at the end. */
  readonly url: string;
  readonly token: Secret;
}

export interface TrustedSourcesConfig {
  /** Clusters whose list gets this machine's address for the time of the run. */
  readonly sides: readonly Side[];
  /** IPv4 address of this machine, or an https URL that answers with it; absent: the servers are asked. */
  readonly runnerAddress: string | undefined;
}

/** The backup file that a run makes on its way. */
export interface ArtifactConfig {
  readonly folder: string;
  /** What staging gets, or production as it is. */
  readonly content: 'copied' | 'full';
  /** age public key that the file is encrypted for; undefined: a clear file. */
  readonly recipient: string | undefined;
  /** How many of the folder's artifacts stay; undefined: all. */
  readonly keep: number | undefined;
  /** How many days old an artifact may be to stay; undefined: any. */
  readonly keepDays: number | undefined;
  /** Load the file again into a database of its own, and compare. */
  readonly rehearse: boolean;
}

export interface WebhookConfig {
  /** Webhooks' addresses are passwords in their own right. */
  readonly url: Secret;
  readonly format: 'slack' | 'json';
}

export interface MailConfig {
  readonly host: string;
  readonly port: number;
  /** `none` to this machine alone. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly from: string;
  readonly to: readonly string[];
}

/** Who is told; at least one of webhook and mail. */
export interface NotificationConfig {
  readonly webhook: WebhookConfig | undefined;
  readonly mail: MailConfig | undefined;
  /** Tell that a refresh begins, too. */
  readonly atStart: boolean;
}

/** How far a run may go in holding production back; undefined: as far as it takes. */
export interface BrakesConfig {
  /** Seconds for which the run's snapshot may hold back production's xmin, and with it VACUUM. */
  readonly xminAgeSeconds: number | undefined;
  /** Seconds that a replica which the run reads may lie behind its primary. */
  readonly replayLagSeconds: number | undefined;
  /** Seconds that somebody in production may wait for a lock that the run holds: a migration, and all who queue behind it. */
  readonly blockingSeconds: number;
}

/** What every command decides that changes staging, whether or not it reads production. */
export interface StagingConfig {
  readonly staging: ServerAddress;
  /** Pairs of connections that copy, and statements that build indexes, at the same time. */
  readonly jobs: number;
  /** How many earlier databases stay beside staging for a rollback. */
  readonly keepPrevious: number;
  /** Role that owns what production's owner can't own here, because there is no such role in staging. */
  readonly owner: string | undefined;
  /** Whether statistics are gathered before publishing. */
  readonly analyze: boolean;
  readonly reportFile: string;
  /** How long a server may be silent before it is asked whether it still works. */
  readonly stallSeconds: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Everything that a caller of `run` decides, read once from flags and environment by stages/config.ts. */
export interface RefreshConfig extends StagingConfig {
  readonly production: ServerAddress;
  readonly productionClusterId: string | undefined;
  readonly stagingClusterId: string | undefined;
  /** Absent: the steps that need DigitalOcean's API are skipped, and say so. */
  readonly digitalOcean: ApiAccess | undefined;
  readonly trustedSources: TrustedSourcesConfig;
  readonly notification: NotificationConfig | undefined;
  /** `swap` builds beside the live database and renames; `in-place` in it, in one transaction; `fork` in a copy of production's files. */
  readonly strategy: 'swap' | 'in-place' | 'fork';
  /** Where staging's content of now is kept before anything is done; undefined: nowhere. */
  readonly backupStaging: ArtifactConfig | undefined;
  readonly verify: 'counts' | 'checksums';
  /** Undefined: none is made. */
  readonly artifact: ArtifactConfig | undefined;
  /** What is to become of which data; undefined: everything is copied as it is. */
  readonly policy: Policy | undefined;
  /** It was said that there is none; else a staging that was refreshed under one is left alone. */
  readonly copiesAll: boolean;
  /** Key of the masks that give the same value for the same value. */
  readonly maskKey: Secret | undefined;
  /** Publish although production has no tables, or far fewer rows than at the last refresh. */
  readonly allowShrink: boolean;
  /** Seconds to wait for a lock on one of production's tables. */
  readonly lockWaitSeconds: number;
  readonly brakes: BrakesConfig;
}

/** The same for `restore`: what production would give comes from a file. */
export type RestoreConfig = Omit<RefreshConfig, 'production'>;

/**
 * The same for `fork`, whose staging is a cluster made from production's managed backup. What is optional elsewhere is
 * needed here: nobody else may reach that cluster, and nothing may be done to another one.
 */
export interface ForkConfig extends RefreshConfig {
  readonly digitalOcean: ApiAccess;
  readonly productionClusterId: string;
  readonly stagingClusterId: string;
  /** The staging that is in use until then: only read. */
  readonly previousStaging: ServerAddress | undefined;
  readonly previousStagingClusterId: string | undefined;
}
