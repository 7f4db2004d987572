import type { Plan } from '../../model/plan.ts';
import type { Published } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import type { Verified } from '../../model/verified.ts';
import type { Witness } from '../../postgres/fate.ts';
import type { OwnRows } from '../../postgres/own-rows.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import type { Hold } from '../../postgres/swap.ts';
import type { DatabaseOrigin, NextDatabase } from '../../stages/database.ts';
import type { Preflight } from '../../stages/preflight.ts';

/** Where the copy is made, and how it comes to be staging: beside the live database, or in it. */
export interface Site {
  /** The run as those stages get it that write to staging. */
  readonly run: Run;
  readonly next: NextDatabase;
  /** What is there already and is not made: oids in production of schemas, names of extensions. */
  readonly standing: { readonly schemas: ReadonlySet<number>; readonly extensions: ReadonlySet<string> };
  /** pg_dump's script of the copy, without what is in staging all the same. */
  definitions(script: string): string;
  openOwnRows(): Promise<OwnRows & AsyncDisposable>;
  /** @throws RefreshError: staging is as it was. */
  publish(verified: Verified, hold: (() => Promise<Hold>) | undefined): Promise<Published>;
  /** What only publishing can have done: known from then on. */
  witness(): Witness | undefined;
  /** Leaves staging as it was. */
  discard(): Promise<void>;
  /** Makes room once staging is new. */
  prune(): Promise<void>;
}

/** What a site is chosen by and begun with. */
export interface Ground {
  readonly run: Run;
  readonly checked: Preflight;
  readonly planned: Plan;
  readonly snapshot: Snapshot;
  readonly origin: DatabaseOrigin;
  /** Name of the file that has staging's content of before; null where none was asked for. */
  readonly stagingBackup: string | null;
}
