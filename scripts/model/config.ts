import type { ServerAddress } from './server-address.ts';

/** Everything that a caller decides, read once from flags and environment by stages/config.ts. */
export interface RefreshConfig {
  readonly production: ServerAddress;
  readonly staging: ServerAddress;
  readonly productionClusterId: string | undefined;
  readonly stagingClusterId: string | undefined;
  /** Pairs of connections that copy, and statements that build indexes, at the same time. */
  readonly jobs: number;
  /** How many earlier databases stay beside staging for a rollback. */
  readonly keepPrevious: number;
  /** Role that owns what production's owner can't own here, because there is no such role in staging. */
  readonly owner: string | undefined;
  readonly reportFile: string;
  readonly verify: 'counts' | 'checksums';
  /** Publish although production has no tables, or far fewer rows than at the last refresh. */
  readonly allowShrink: boolean;
  /** Seconds to wait for a lock on one of production's tables. */
  readonly lockWaitSeconds: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}
