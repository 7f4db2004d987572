import type { RefreshConfig } from '../../model/config.ts';
import { asRefreshError, RefreshError } from '../../model/errors.ts';
import type { Report } from '../../model/report.ts';
import type { Log, Run } from '../../model/run.ts';
import { prepareArtifactFolder } from '../../stages/artifact-folder.ts';
import { requireRoom, showManagedBackups } from '../../stages/managed-service.ts';
import { notify } from '../../stages/notify.ts';
import { type Preflight, preflight } from '../../stages/preflight.ts';
import { prunePrevious } from '../../stages/prune.ts';
import { publish } from '../../stages/publish.ts';
import { writeReport } from '../../stages/report.ts';
import { TrustedSources } from '../../stages/trusted-sources.ts';
import { Stopwatch } from '../../system/stopwatch.ts';
import { discardNext, withRun } from '../run-scope.ts';
import { buildNext } from './build.ts';
import { Outcome } from './outcome.ts';
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

class Refresh {
  readonly #run: Run;
  readonly #stopwatch: Stopwatch;
  readonly #outcome = new Outcome();

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
    return this.#outcome.report(this.#run, this.#stopwatch.phases(), error);
  }

  async #refresh(): Promise<void> {
    this.#stopwatch.phase('preflight');
    await prepareArtifactFolder(this.#run);
    this.#outcome.managedBackup = await showManagedBackups(this.#run);
    const checked = await preflight(this.#run);
    this.#outcome.servers = checked.servers;
    await using _maintenance = checked.maintenance;
    await requireRoom(this.#run, checked.servers, checked.maintenance);
    const { verified, makeOwn } = await buildNext(this.#run, checked, this.#stopwatch, this.#outcome);
    try {
      await makeOwn();
      this.#stopwatch.phase('publish');
      this.#outcome.published = await publish(this.#run, checked.servers, checked.maintenance, verified);
    } catch (error) {
      await discardNext(this.#run, verified.database);
      throw error;
    }
    await this.#tidy(checked);
  }

  /** What is done once staging is new: a failure here is told, and changes nothing about that. */
  async #tidy(checked: Preflight): Promise<void> {
    this.#stopwatch.phase('clean up');
    try {
      await prunePrevious(this.#run, checked.maintenance, checked.servers.staging.name);
    } catch (cause) {
      throw afterPublish('an older database could not be dropped', checked.servers.staging.name, cause);
    }
    if (this.#outcome.artifact) await tendArtifact(this.#run, checked, this.#outcome.artifact);
  }

  /** When the run was ended from elsewhere, every open statement fails of it; the reason is the one to tell. */
  #reasonOf(cause: unknown): RefreshError {
    const { signal } = this.#run;
    if (this.#outcome.published) {
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
