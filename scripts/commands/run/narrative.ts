import type { RefreshConfig } from '../../model/config.ts';
import { asRefreshError, RefreshError } from '../../model/errors.ts';
import type { LeftOut, PolicyPlan } from '../../model/plan.ts';
import type { LoadedTable, ManagedBackup, Published, Report, WrittenArtifact } from '../../model/report.ts';
import type { Log, Run } from '../../model/run.ts';
import type { Servers } from '../../model/servers.ts';
import type { Verified } from '../../model/verified.ts';
import { readConstraints, readViewDependencies } from '../../postgres/catalog.ts';
import { readOwnership } from '../../postgres/identity.ts';
import { type ArtifactContent, beginArtifact, finishArtifact, laterOids } from '../../stages/artifact.ts';
import { beforePublish, readSqlFiles, type SqlFile } from '../../stages/before-publish.ts';
import { createNext, readOrigin } from '../../stages/database.ts';
import { createExtensions, findDependent } from '../../stages/extensions.ts';
import { SnapshotRows } from '../../stages/load/snapshot-rows.ts';
import { load } from '../../stages/load.ts';
import { requireRoom, showManagedBackups } from '../../stages/managed-service.ts';
import { notify } from '../../stages/notify.ts';
import { assignOwners } from '../../stages/ownership.ts';
import { plan } from '../../stages/plan.ts';
import { type Preflight, preflight } from '../../stages/preflight.ts';
import { type Carried, preserve } from '../../stages/preserve.ts';
import { prunePrevious } from '../../stages/prune.ts';
import { publish } from '../../stages/publish.ts';
import { makeReport, writeReport } from '../../stages/report.ts';
import { withoutExtensions } from '../../stages/schema/choice.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import {
  definitionsAroundRows,
  definitionsMade,
  definitionsTaken,
  dumpSchema,
  restorePostData,
  restorePreData,
  restoreSchemas,
  scriptOf,
} from '../../stages/schema.ts';
import { orderOfViews, settle } from '../../stages/settle.ts';
import { listTables, withSnapshot } from '../../stages/snapshot.ts';
import { TrustedSources } from '../../stages/trusted-sources.ts';
import { verifyCopy, withoutPlanned } from '../../stages/verify.ts';
import { Stopwatch } from '../../system/stopwatch.ts';
import { discardNext, withRun } from '../run-scope.ts';
import { tendArtifact } from './tend-artifact.ts';

/** What became of a run: `error` is set unless everything went well; `report` has the same for a reader. */
export interface RunResult {
  readonly report: Report;
  readonly error: RefreshError | undefined;
}

/** The whole refresh. Never throws for what can happen to a refresh: the report says what did. */
export async function runRefresh(config: RefreshConfig, log: Log): Promise<RunResult> {
  return await withRun(config, log, (run) => new Refresh(run).carryOut());
}

interface Built {
  readonly verified: Verified;
  /** Staging's own rows, what the team runs before publishing, owners and privileges. */
  readonly makeOwn: () => Promise<void>;
}

class Refresh {
  readonly #run: Run;
  readonly #stopwatch: Stopwatch;
  #servers: Servers | undefined;
  #tables: readonly LoadedTable[] = [];
  #leftOut: LeftOut[] = [];
  #verified: Verified | undefined;
  #published: Published | undefined;
  #artifact: WrittenArtifact | undefined;
  #managedBackup: ManagedBackup | null = null;

  constructor(run: Run) {
    this.#run = run;
    this.#stopwatch = new Stopwatch(run.log);
  }

  async carryOut(): Promise<RunResult> {
    const run = this.#run;
    const trustedSources = new TrustedSources(run);
    let error: RefreshError | undefined;
    try {
      await trustedSources.open();
      await this.#refresh();
    } catch (cause) {
      error = this.#reasonOf(cause);
    }
    error = await this.#also(error, 'the trusted sources are not as they were', () => trustedSources.close());
    const ending = error;
    error = await this.#also(error, 'nobody was notified', () => notify(run, this.#report(ending)));
    const report = this.#report(error);
    try {
      await writeReport(run, report);
    } catch (cause) {
      error ??= afterPublish('the report could not be written', run.config.reportFile, cause);
    }
    return { report, error };
  }

  /** What follows the refresh may fail, too: that is told, and changes nothing about what became of staging. */
  async #also(
    error: RefreshError | undefined,
    failing: string,
    work: () => Promise<void>,
  ): Promise<RefreshError | undefined> {
    try {
      await work();
      return error;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#run.log.warn(`${failing}: ${why}`);
      return error ?? afterPublish(failing, 'clean up', cause);
    }
  }

  #report(error: RefreshError | undefined): Report {
    return makeReport(this.#run, {
      phases: this.#stopwatch.phases(),
      tables: this.#tables,
      leftOut: this.#leftOut,
      exitCode: error?.exitCode ?? 0,
      ...(this.#servers ? { servers: this.#servers } : {}),
      ...(this.#verified ? { verification: this.#verified.verification } : {}),
      ...(this.#artifact ? { artifact: this.#artifact } : {}),
      ...(this.#published ? { published: this.#published } : {}),
      ...(this.#managedBackup ? { managedBackup: this.#managedBackup } : {}),
      ...(error ? { error } : {}),
    });
  }

  async #refresh(): Promise<void> {
    this.#stopwatch.phase('preflight');
    this.#managedBackup = await showManagedBackups(this.#run);
    const checked = await preflight(this.#run);
    this.#servers = checked.servers;
    await using _maintenance = checked.maintenance;
    await requireRoom(this.#run, checked.servers, checked.maintenance);
    const { verified, makeOwn } = await this.#build(checked);
    try {
      await makeOwn();
      this.#stopwatch.phase('publish');
      this.#published = await publish(this.#run, checked.servers, checked.maintenance, verified);
    } catch (error) {
      await discardNext(this.#run, verified.database);
      throw error;
    }
    await this.#tidy(checked);
  }

  /** Makes the next database beside the live one and proves that it is production's copy. */
  async #build(checked: Preflight): Promise<Built> {
    const run = this.#run;
    const phase = (name: string) => {
      run.signal.throwIfAborted();
      this.#stopwatch.phase(name);
    };
    phase('snapshot');
    return await withSnapshot(run, await listTables(run), async (snapshot) => {
      phase('plan');
      const planned = await plan(run, snapshot);
      const sqlFiles = planned.policy ? await readSqlFiles(planned.policy) : [];
      const dumped = await dumpSchema(
        run,
        checked.tools,
        checked.servers,
        snapshot,
        planned.policy?.exclusion,
      );
      this.#leftOut.push(...dumped.leftOut);

      phase('schema');
      const origin = await readOrigin(run, checked.servers.production.locale);
      const next = await createNext(run, checked.servers, checked.maintenance, origin);
      try {
        const { lockCapacity } = checked.servers.staging;
        const destination = { run, tools: checked.tools, database: next.name, lockCapacity };
        const partitioned = new Set(planned.catalog.partitionedIndexes);
        await restoreSchemas(destination, dumped);
        const missing = await createExtensions(
          run,
          (extension) => findDependent(snapshot.session, extension),
          planned.catalog.extensions,
          next.name,
        );
        this.#leftOut.push(...missing);
        const archive = withoutExtensions(dumped, new Set(missing.map(({ name }) => name)));
        await restorePreData(destination, archive, partitioned);

        phase('copy');
        const last = keysOfPartitions(planned.catalog);
        const views = orderOfViews(planned.catalog, await readViewDependencies(snapshot.session));
        const ownership = await readOwnership(snapshot.session);
        const content: ArtifactContent = {
          production: checked.servers.production,
          plan: planned,
          views,
          origin,
          searchPath: next.searchPath,
          definitions: await definitionsAroundRows(destination, archive, last, laterOids(planned)),
          archive,
          ownership,
          constraints: withoutPlanned(planned, await readConstraints(snapshot.session)),
        };
        await using artifact = await beginArtifact(run, content);
        const loaded = await load(run, planned, new SnapshotRows(snapshot, artifact), next);
        this.#tables = loaded.tables;

        phase('constraints');
        await restorePostData(destination, archive, partitioned, loaded.built, last);
        await settle(run, planned.catalog, views, next);
        const privileges = await scriptOf(
          destination,
          archive,
          ({ type }) => type === 'ACL' || type === 'DEFAULT ACL',
        );

        phase('verify');
        this.#verified = await verifyCopy(run, planned, snapshot, next.name, async () => ({
          production: await definitionsTaken(destination, archive),
          staging: await definitionsMade(destination),
        }));
        // Only a copy that was found to be production's gives its file a name.
        if (artifact) this.#artifact = await finishArtifact(run, artifact, content, loaded.tables);
        return {
          verified: this.#verified,
          // Production is no part of what follows: its snapshot is let go first.
          makeOwn: async () => {
            if (planned.policy) await this.#makeOwn(planned.policy, sqlFiles, checked, next);
            this.#leftOut.push(
              ...(await assignOwners(run, checked.servers, ownership, next.name, privileges)),
            );
            for (const { object, reason } of this.#leftOut) run.log.warn(`left out: ${object}: ${reason}`);
          },
        };
      } catch (error) {
        await discardNext(this.#run, next.name);
        throw error;
      }
    });
  }

  /** What the policy wants of the new database beside production's rows. */
  async #makeOwn(
    policy: PolicyPlan,
    files: readonly SqlFile[],
    { servers }: Preflight,
    next: { readonly name: string; readonly searchPath: string },
  ): Promise<void> {
    if (policy.preserved.length > 0 || policy.laterKeys.length > 0) {
      this.#stopwatch.phase('preserve');
      const carried = await preserve(this.#run, policy, servers.staging.name, next);
      this.#tables = withCarried(this.#tables, carried);
    }
    const { sql, command, check } = policy.beforePublish;
    if (sql.length === 0 && command === null && check.length === 0) return;
    this.#stopwatch.phase('before-publish');
    await beforePublish(this.#run, policy, files, next);
  }

  /** What is done once staging is new: a failure here is told, and changes nothing about that. */
  async #tidy(checked: Preflight): Promise<void> {
    this.#stopwatch.phase('clean up');
    try {
      await prunePrevious(this.#run, checked.maintenance, checked.servers.staging.name);
    } catch (cause) {
      throw afterPublish('an older database could not be dropped', checked.servers.staging.name, cause);
    }
    if (this.#artifact) await tendArtifact(this.#run, checked, this.#artifact);
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

function withCarried(tables: readonly LoadedTable[], carried: readonly Carried[]): LoadedTable[] {
  const rows = new Map(carried.map((table) => [`${table.schema}.${table.name}`, table.rows]));
  return tables.map((table) => {
    const preserved = rows.get(`${table.schema}.${table.name}`);
    return preserved === undefined ? table : { ...table, preserved };
  });
}

function afterPublish(message: string, object: string, cause: unknown): RefreshError {
  return new RefreshError('published-with-failures', `staging is refreshed, but ${message}`, {
    object,
    hint: 'staging is in use already; repair the cause, nothing has to be run again',
    cause,
  });
}
