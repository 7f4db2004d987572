import { basename } from 'node:path';
import type { RestoreConfig } from '../../model/config.ts';
import { isFateUnknown, RefreshError } from '../../model/errors.ts';
import { changeOf, runsOfComment } from '../../model/history.ts';
import type { Log, Run } from '../../model/run.ts';
import { Secret } from '../../model/secret.ts';
import type { StagingServer } from '../../model/servers.ts';
import { findServerTools } from '../../postgres/server-tools.ts';
import type { Session } from '../../postgres/session.ts';
import { type BackupFile, openBackup } from '../../stages/artifact-file.ts';
import { beforePublish, hasSteps, readSqlFiles, type SqlFile } from '../../stages/before-publish.ts';
import { preflightStaging } from '../../stages/preflight/staging.ts';
import { refuseWithoutPolicy } from '../../stages/preflight/without-policy.ts';
import { requireTools } from '../../stages/preflight.ts';
import type { Preserved } from '../../stages/preserve.ts';
import { requireVersion, warnOfOtherPolicy } from '../../stages/restore.ts';
import { Stopwatch } from '../../system/stopwatch.ts';
import { backupStaging } from '../run/backup-staging.ts';
import { tellLost } from '../run/before.ts';
import { type Built as Ready, withCarried } from '../run/build.ts';
import { afterPublish, type RunResult, seeThrough } from '../run/ending.ts';
import { Outcome } from '../run/outcome.ts';
import { remember } from '../run/remember.ts';
import type { Site } from '../run/site.ts';
import { requireStillPublished } from '../run/still-published.ts';
import { withRun } from '../run-scope.ts';
import { type ProvedBackup, proveBackup } from './backup.ts';
import { placeOf, requireRestoreInPlace } from './in-place.ts';
import type { Built, Steps } from './place.ts';
import { buildUnderPolicy } from './under-policy.ts';

/**
 * A backup file into staging, with everything that a refresh has but production. Never throws for what can happen to
 * it once the file is open: the report says what did.
 *
 * @throws RefreshError `bad-file`, `bad-environment` for a file that can't be opened.
 */
export async function runRestore(config: RestoreConfig, path: string, log: Log): Promise<RunResult> {
  const backup = await openBackup(path, config.environment);
  await using _reader = backup.kind === 'artifact' ? backup.reader : undefined;
  const database = backup.kind === 'artifact' ? backup.reader.index.production.database : 'unknown';
  // What a report tells of production is told of the file; there is nothing to log in to.
  const production = { host: path, port: 0, user: '', password: new Secret(''), database };
  return await withRun({ ...config, production }, log, (run) => new Restoration(run, backup).carryOut());
}

class Restoration {
  readonly #run: Run;
  readonly #file: BackupFile;
  readonly #stopwatch: Stopwatch;
  readonly #outcome = new Outcome();

  constructor(run: Run, file: BackupFile) {
    this.#run = run;
    this.#file = file;
    this.#stopwatch = new Stopwatch(run.log);
  }

  async carryOut(): Promise<RunResult> {
    return await seeThrough(this.#run, this.#stopwatch, this.#outcome, () => this.#restore());
  }

  async #restore(): Promise<void> {
    const run = this.#run;
    this.#stopwatch.phase('read');
    const files = run.config.policy ? await readSqlFiles(run.config.policy) : [];
    const backup = await proveBackup(run, this.#file);
    this.#outcome.restored = backup.about;
    if (backup.clear && backup.about.format === 'artifact' && !run.config.policy) {
      throw new RefreshError('bad-flag', 'the file holds production’s rows as no staging may have them', {
        object: '--policy',
        hint: 'give the data policy: its masks and conditions are applied on the way into staging',
      });
    }
    if (this.#file.kind === 'artifact') warnOfOtherPolicy(run, this.#file.reader);
    this.#stopwatch.phase('preflight');
    const { strategy, backupStaging: toBeKept } = run.config;
    const { server, maintenance } = await preflightStaging(run, strategy);
    await using _maintenance = maintenance;
    if (backup.clear) refuseWithoutPolicy(run.config, runsOfComment(server.staging.comment));
    this.#outcome.servers = { staging: server.staging, production: { version: backup.version } };
    const tools = await findServerTools(run.config.environment);
    requireTools(tools, server.staging);
    requireVersion(backup.about.file, backup.version, server.staging);
    if (strategy === 'in-place') await requireRestoreInPlace(run, server, maintenance, backup, tools);
    if (toBeKept) this.#stopwatch.phase('backup of staging');
    this.#outcome.stagingBackup = await backupStaging(run, { servers: server, tools });
    const { verified, makeOwn, site } = await this.#build(backup, files, server, maintenance);
    this.#outcome.verified = verified;
    try {
      const hold = await makeOwn();
      this.#stopwatch.phase('publish');
      run.signal.throwIfAborted();
      this.#outcome.published = await site.publish(verified, hold);
    } catch (error) {
      // What may be staging by now is left to the next run, which can see what it is.
      if (!isFateUnknown(error)) await site.discard();
      throw error;
    }
    const now = { id: run.id, finishedAt: new Date().toISOString() };
    const change = changeOf(now, 'restored', basename(backup.about.file));
    try {
      await remember(run, maintenance, server.staging.name, change);
      await this.#tidy(site);
    } finally {
      await requireStillPublished(run, this.#outcome, maintenance, site.witness());
    }
  }

  async #build(
    backup: ProvedBackup,
    files: readonly SqlFile[],
    server: StagingServer,
    maintenance: Session,
  ): Promise<Ready> {
    const [run, stopwatch, outcome] = [this.#run, this.#stopwatch, this.#outcome];
    if (backup.clear && run.config.policy)
      return await buildUnderPolicy(run, server, maintenance, backup, stopwatch, outcome);
    const built = await backup.build(placeOf(run, server, maintenance, outcome), {
      phase: (name) => stopwatch.phase(name),
      loaded: (tables) => {
        outcome.tables = tables;
      },
      worked: (work) => {
        outcome.work = work;
      },
    });
    return { verified: built.verified, site: built.site, makeOwn: () => this.#makeOwn(built, files) };
  }

  /** Staging's own rows, what the team runs before publishing, owners and privileges. */
  async #makeOwn(
    { carryOver, verifyFinished, handOver, site }: Built<Run>,
    files: readonly SqlFile[],
  ): Promise<Preserved['hold']> {
    const outcome = this.#outcome;
    const { carried, hold } = await carryOver();
    outcome.tables = withCarried(outcome.tables, carried);
    const { policy } = this.#run.config;
    if (policy && hasSteps(policy.beforePublish)) {
      this.#stopwatch.phase('before-publish');
      await beforePublish(site.run, policy, files, site.next);
    }
    await verifyFinished(carried, policy?.beforePublish ?? noSteps);
    outcome.leftOut.push(...(await handOver(site)));
    await tellLost(site, outcome.leftOut);
    return hold;
  }

  async #tidy(site: Site): Promise<void> {
    const { published, restored, stagingBackup } = this.#outcome;
    this.#stopwatch.phase('clean up');
    try {
      await site.prune();
    } catch (cause) {
      throw afterPublish('an older database could not be dropped', String(published?.database), cause);
    }
    const what = restored?.madeAt ? `what it was at ${restored.madeAt}` : `what ${restored?.file} says`;
    const kept = published?.previous ?? stagingBackup?.path;
    const before = kept ? `what it replaced is kept as ${kept}` : 'what it replaced is gone';
    this.#run.log.info(`${published?.database} is ${what}; ${before}`);
  }
}

const noSteps: Steps = { sql: [], command: null };
