import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RefreshConfig } from '../../model/config.ts';
import { makeRunId } from '../../model/database-name.ts';
import { asRefreshError, RefreshError } from '../../model/errors.ts';
import type { LeftOut } from '../../model/plan.ts';
import type { LoadedTable, Published, Report } from '../../model/report.ts';
import type { Log, Run } from '../../model/run.ts';
import type { Servers } from '../../model/servers.ts';
import type { Verified } from '../../model/verified.ts';
import { dropBeside } from '../../postgres/beside.ts';
import { openMaintenanceSession } from '../../postgres/run-lock.ts';
import { createNext } from '../../stages/database.ts';
import { load } from '../../stages/load.ts';
import { assignOwners } from '../../stages/ownership.ts';
import { plan } from '../../stages/plan.ts';
import { type Preflight, preflight } from '../../stages/preflight.ts';
import { prunePrevious } from '../../stages/prune.ts';
import { publish } from '../../stages/publish.ts';
import { makeReport, writeReport } from '../../stages/report.ts';
import {
  definitionsMade,
  definitionsTaken,
  dumpSchema,
  restorePostData,
  restorePreData,
  scriptOf,
} from '../../stages/schema.ts';
import { settle } from '../../stages/settle.ts';
import { listTables, withSnapshot } from '../../stages/snapshot.ts';
import { verifyCopy } from '../../stages/verify.ts';
import { onInterruption } from '../../system/interruption.ts';
import { Stopwatch } from '../../system/stopwatch.ts';

/** What became of a run: `error` is set unless everything went well; `report` has the same for a reader. */
export interface RunResult {
  readonly report: Report;
  readonly error: RefreshError | undefined;
}

/** The whole refresh. Never throws for what can happen to a refresh: the report says what did. */
export async function runRefresh(config: RefreshConfig, log: Log): Promise<RunResult> {
  const startedAt = new Date();
  const controller = new AbortController();
  const run: Run = {
    id: makeRunId(startedAt, randomBytes(2).toString('hex')),
    startedAt,
    config,
    log,
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    temporary: await mkdtemp(join(tmpdir(), 'staging-refresh-')),
  };
  const released = onInterruption(run.abort);
  const refresh = new Refresh(run);
  try {
    return await refresh.carryOut();
  } finally {
    released();
    await rm(run.temporary, { recursive: true, force: true });
  }
}

class Refresh {
  readonly #run: Run;
  readonly #stopwatch: Stopwatch;
  #servers: Servers | undefined;
  #tables: readonly LoadedTable[] = [];
  #leftOut: LeftOut[] = [];
  #verified: Verified | undefined;
  #published: Published | undefined;

  constructor(run: Run) {
    this.#run = run;
    this.#stopwatch = new Stopwatch(run.log);
  }

  async carryOut(): Promise<RunResult> {
    let error: RefreshError | undefined;
    try {
      await this.#refresh();
    } catch (cause) {
      error = this.#reasonOf(cause);
    }
    const report = makeReport(this.#run, {
      phases: this.#stopwatch.phases(),
      tables: this.#tables,
      leftOut: this.#leftOut,
      exitCode: error?.exitCode ?? 0,
      ...(this.#servers ? { servers: this.#servers } : {}),
      ...(this.#verified ? { verification: this.#verified.verification } : {}),
      ...(this.#published ? { published: this.#published } : {}),
      ...(error ? { error } : {}),
    });
    try {
      await writeReport(this.#run, report);
    } catch (cause) {
      error ??= afterPublish('the report could not be written', this.#run.config.reportFile, cause);
    }
    return { report, error };
  }

  async #refresh(): Promise<void> {
    this.#stopwatch.phase('preflight');
    const checked = await preflight(this.#run);
    this.#servers = checked.servers;
    await using _maintenance = checked.maintenance;
    const next = await this.#build(checked);
    try {
      this.#stopwatch.phase('publish');
      this.#published = await publish(this.#run, checked.servers, checked.maintenance, next);
    } catch (error) {
      await this.#discard(next.database);
      throw error;
    }
    await this.#tidy(checked);
  }

  /** Makes the next database beside the live one and proves that it is production's copy. */
  async #build(checked: Preflight): Promise<Verified> {
    const run = this.#run;
    const phase = (name: string) => {
      run.signal.throwIfAborted();
      this.#stopwatch.phase(name);
    };
    phase('snapshot');
    return await withSnapshot(run, await listTables(run), async (snapshot) => {
      phase('plan');
      const planned = await plan(run, snapshot);
      const archive = await dumpSchema(run, checked.tools, checked.servers, snapshot);
      this.#leftOut.push(...archive.leftOut);

      phase('schema');
      const next = await createNext(run, checked.servers, checked.maintenance);
      try {
        const destination = { run, tools: checked.tools, database: next.name };
        const partitioned = new Set(planned.catalog.partitionedIndexes);
        await restorePreData(destination, archive, partitioned);

        phase('copy');
        const loaded = await load(run, planned, snapshot, next);
        this.#tables = loaded.tables;

        phase('constraints');
        await restorePostData(destination, archive, partitioned, loaded.built);
        await settle(run, planned.catalog, snapshot, next);
        const privileges = await scriptOf(
          destination,
          archive,
          ({ type }) => type === 'ACL' || type === 'DEFAULT ACL',
        );
        this.#leftOut.push(...(await assignOwners(run, checked.servers, snapshot, next.name, privileges)));
        for (const { object, reason } of this.#leftOut) run.log.warn(`left out: ${object}: ${reason}`);

        phase('verify');
        const scripts = {
          production: await definitionsTaken(destination, archive),
          staging: await definitionsMade(destination),
        };
        this.#verified = await verifyCopy(run, planned, snapshot, next.name, scripts);
        return this.#verified;
      } catch (error) {
        await this.#discard(next.name);
        throw error;
      }
    });
  }

  /** What is done once staging is new: a failure here is told, and changes nothing about that. */
  async #tidy(checked: Preflight): Promise<void> {
    this.#stopwatch.phase('clean up');
    try {
      await prunePrevious(this.#run, checked.maintenance, checked.servers.staging.name);
    } catch (cause) {
      throw afterPublish('an older database could not be dropped', checked.servers.staging.name, cause);
    }
  }

  /** Drops a database that will not be published, on a connection of its own: the run's may be cut already. */
  async #discard(name: string): Promise<void> {
    try {
      await using maintenance = await openMaintenanceSession(this.#run.config.staging, {
        side: 'staging',
        applicationName: `staging-refresh ${this.#run.id}`,
      });
      await dropBeside(maintenance, name);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#run.log.warn(`${name} could not be dropped (${why}): the next run removes it`);
    }
  }

  /** When the run was ended from elsewhere, every open statement fails of it; the reason is the one to tell. */
  #reasonOf(cause: unknown): RefreshError {
    const { signal } = this.#run;
    if (this.#published) {
      const error = asRefreshError(cause);
      return error.code === 'published-with-failures'
        ? error
        : afterPublish('the run ended early', 'clean up', cause);
    }
    return asRefreshError(signal.aborted ? signal.reason : cause);
  }
}

function afterPublish(message: string, object: string, cause: unknown): RefreshError {
  return new RefreshError('published-with-failures', `staging is refreshed, but ${message}`, {
    object,
    hint: 'staging is in use already; repair the cause, nothing has to be run again',
    cause,
  });
}
