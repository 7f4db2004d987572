import type { RefreshConfig } from '../../model/config.ts';
import { isFateUnknown } from '../../model/errors.ts';
import { pastRunOf, runsOfComment } from '../../model/history.ts';
import type { Log, Run } from '../../model/run.ts';
import { prepareArtifactFolder } from '../../stages/artifact-folder.ts';
import { requireInPlace } from '../../stages/in-place/rights.ts';
import { requireRoom, showManagedBackups } from '../../stages/managed-service.ts';
import { type Preflight, preflight } from '../../stages/preflight.ts';
import { allDone } from '../../system/all-done.ts';
import { Stopwatch } from '../../system/stopwatch.ts';
import { withRun } from '../run-scope.ts';
import { backupStaging } from './backup-staging.ts';
import { buildNext } from './build.ts';
import { afterPublish, type RunResult, seeThrough } from './ending.ts';
import { Outcome } from './outcome.ts';
import { remember } from './remember.ts';
import type { Site } from './site.ts';
import { requireStillPublished } from './still-published.ts';
import { tendArtifact } from './tend-artifact.ts';

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
    return await seeThrough(this.#run, this.#stopwatch, this.#outcome, () => this.#refresh());
  }

  async #refresh(): Promise<void> {
    this.#stopwatch.phase('preflight');
    await prepareArtifactFolder(this.#run);
    this.#outcome.managedBackup = await showManagedBackups(this.#run);
    const checked = await preflight(this.#run);
    this.#outcome.servers = checked.servers;
    this.#outcome.remembered = runsOfComment(checked.servers.staging.comment);
    await using _maintenance = checked.maintenance;
    if (this.#run.config.strategy === 'in-place') await requireInPlace(this.#run, checked.servers);
    await requireRoom(this.#run, checked.servers, checked.maintenance);
    if (this.#run.config.backupStaging) this.#stopwatch.phase('backup of staging');
    this.#outcome.stagingBackup = await backupStaging(this.#run, checked);
    const { verified, makeOwn, site } = await buildNext(this.#run, checked, this.#stopwatch, this.#outcome);
    try {
      const hold = await makeOwn();
      this.#stopwatch.phase('publish');
      this.#outcome.published = await site.publish(verified, hold);
    } catch (error) {
      // What may be staging by now is left to the next run, which can see what it is.
      if (!isFateUnknown(error)) await site.discard();
      throw error;
    }
    const report = this.#outcome.report(this.#run, this.#stopwatch.phases(), undefined);
    try {
      // On one connection, but neither waits for the other's answers.
      const { name } = checked.servers.staging;
      await allDone([
        remember(this.#run, checked.maintenance, name, pastRunOf(report, this.#run.config.policy)),
        this.#tidy(checked, site),
      ]);
    } finally {
      await requireStillPublished(this.#run, this.#outcome, checked.maintenance, site.witness());
    }
  }

  /** What is done once staging is new: a failure here is told, and changes nothing about that. */
  async #tidy(checked: Preflight, site: Site): Promise<void> {
    this.#stopwatch.phase('clean up');
    try {
      await site.prune();
    } catch (cause) {
      throw afterPublish('an older database could not be dropped', checked.servers.staging.name, cause);
    }
    if (this.#outcome.artifact) await tendArtifact(this.#run, checked, this.#outcome.artifact);
  }
}
