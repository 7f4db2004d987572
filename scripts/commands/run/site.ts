import type { PlannedTable, PreservedTable } from '../../model/plan.ts';
import type { Published } from '../../model/report.ts';
import type { Run, StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Verified } from '../../model/verified.ts';
import type { Hold } from '../../postgres/ending-sessions.ts';
import type { Witness } from '../../postgres/fate.ts';
import type { Grants } from '../../postgres/own-grants.ts';
import type { OwnRows } from '../../postgres/own-rows.ts';
import type { Session } from '../../postgres/session.ts';
import type { DatabaseOrigin, NextDatabase } from '../../stages/database.ts';

/** Where the copy is made, and how it comes to be staging: beside the live database, or in it. */
export interface Site<SomeRun extends StagingRun = Run> {
  /** The run as those stages get it that write to staging. */
  readonly run: SomeRun;
  readonly next: NextDatabase;
  /** What is there already and is not made: oids in production of schemas, names of schemas and extensions. */
  readonly standing: Standing;
  readonly before: Before;
  /** pg_dump's script of the copy, without what is in staging all the same. */
  definitions(script: string): string;
  openOwnRows(): Promise<OwnRows & AsyncDisposable>;
  /** @throws RefreshError: staging is as it was. */
  publish(verified: Verified, hold: (() => Promise<Hold>) | undefined): Promise<Published>;
  /** What only publishing can have done: known from then on. */
  witness(): Witness | undefined;
  /** Makes another empty database like `next`, for what only this server can tell; undefined where there is but one. */
  readonly openAside?: () => Promise<Aside>;
  /** Leaves staging as it was. */
  discard(): Promise<void>;
  /** Makes room once staging is new. */
  prune(): Promise<void>;
}

/** Nobody's copy: dropped when it has told what it was made for. */
export interface Aside {
  readonly name: string;
  discard(): Promise<void>;
}

/** What there is in the staging of today. */
export interface Before {
  readonly grants: Grants;
  /** From readMade. */
  readonly made: string;
}

interface Standing {
  readonly schemas: ReadonlySet<number>;
  readonly schemaNames: ReadonlySet<string>;
  readonly extensions: ReadonlySet<string>;
}

/** What a site is begun with. */
export interface Ground<SomeRun extends StagingRun = Run> {
  readonly run: SomeRun;
  readonly checked: { readonly servers: StagingServer; readonly maintenance: Session };
  readonly origin: DatabaseOrigin;
  /** Told as soon as connections to the new database find it as they shall. */
  readonly ready?: (next: NextDatabase) => void;
}

/** What comes into a live database, as far as the database is prepared for it. */
export interface Coming {
  /** Tables whose rows are staging's own. */
  readonly preserved: readonly PreservedTable[];
  readonly tables: readonly PlannedTable[];
  /** Names of extensions. */
  readonly extensions: ReadonlySet<string>;
  /** Those of its schemas that have one of these names, with their oids in production. */
  schemasNamed(
    names: ReadonlySet<string>,
  ): Promise<readonly { readonly oid: number; readonly name: string }[]>;
}

/** The same with what a live database has to know. */
export interface LiveGround extends Ground {
  readonly coming: Coming;
  /** Name of the file that has staging's content of before; null where none was asked for. */
  readonly stagingBackup: string | null;
}
