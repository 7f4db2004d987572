import { basename } from 'node:path';
import type { RestoreConfig } from '../../model/config.ts';
import { isFateUnknown, RefreshError } from '../../model/errors.ts';
import { changeOf } from '../../model/history.ts';
import type { BeforePublish } from '../../model/policy.ts';
import type { Log, Run } from '../../model/run.ts';
import { Secret } from '../../model/secret.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';
import { replaced } from '../../postgres/swap.ts';
import { type BackupFile, openBackup } from '../../stages/artifact-file.ts';
import { beforePublish, readSqlFiles, type SqlFile } from '../../stages/before-publish.ts';
import { preflightStaging } from '../../stages/preflight/staging.ts';
import type { Preserved } from '../../stages/preserve.ts';
import { prunePrevious } from '../../stages/prune.ts';
import { publish } from '../../stages/publish.ts';
import { warnOfOtherPolicy } from '../../stages/restore.ts';
import { Stopwatch } from '../../system/stopwatch.ts';
import { withCarried } from '../run/build.ts';
import { afterPublish, carryOut, type RunResult } from '../run/ending.ts';
import { Outcome } from '../run/outcome.ts';
import { remember } from '../run/remember.ts';
import { requireStillPublished } from '../run/still-published.ts';
import { discardNext, withRun } from '../run-scope.ts';
import { type ProvedBackup, proveBackup } from './backup.ts';
import type { Built, Steps } from './from-artifact.ts';
import { buildUnderPolicy, type Ready } from './under-policy.ts';

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
    return await carryOut(this.#run, this.#stopwatch, this.#outcome, () => this.#restore());
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
    const { server, maintenance } = await preflightStaging(run);
    await using _maintenance = maintenance;
    this.#outcome.servers = { staging: server.staging, production: { version: backup.version } };
    const { verified, makeOwn } = await this.#build(backup, files, server, maintenance);
    this.#outcome.verified = verified;
    try {
      const hold = await makeOwn();
      this.#stopwatch.phase('publish');
      run.signal.throwIfAborted();
      this.#outcome.published = await publish(run, server, maintenance, verified, hold);
    } catch (error) {
      // What may be staging by now is left to the next run, which can see what it is.
      if (!isFateUnknown(error)) await discardNext(run, verified.database);
      throw error;
    }
    const now = { id: run.id, finishedAt: new Date().toISOString() };
    const change = changeOf(now, 'restored', basename(backup.about.file));
    try {
      await remember(run, maintenance, server.staging.name, change);
      await this.#tidy(server, maintenance);
    } finally {
      await requireStillPublished(run, this.#outcome, maintenance, replaced(server.staging));
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
    const built = await backup.build(run, server, maintenance, {
      phase: (name) => stopwatch.phase(name),
      loaded: (tables) => {
        outcome.tables = tables;
      },
      worked: (work) => {
        outcome.work = work;
      },
    });
    return { verified: built.verified, makeOwn: () => this.#makeOwn(built, files) };
  }

  /** Staging's own rows, what the team runs before publishing, owners and privileges. */
  async #makeOwn(
    { carryOver, verifyFinished, handOver, next }: Built,
    files: readonly SqlFile[],
  ): Promise<Preserved['hold']> {
    const outcome = this.#outcome;
    const { carried, hold } = await carryOver();
    outcome.tables = withCarried(outcome.tables, carried);
    const { policy } = this.#run.config;
    if (policy && hasSteps(policy.beforePublish)) {
      this.#stopwatch.phase('before-publish');
      await beforePublish(this.#run, policy, files, next);
    }
    await verifyFinished(carried, policy?.beforePublish ?? noSteps);
    outcome.leftOut.push(...(await handOver(next.name)));
    for (const { object, reason } of outcome.leftOut) this.#run.log.warn(`left out: ${object}: ${reason}`);
    return hold;
  }

  async #tidy(server: StagingServer, maintenance: Session): Promise<void> {
    this.#stopwatch.phase('clean up');
    try {
      await prunePrevious(this.#run, maintenance, server.staging.name);
    } catch (cause) {
      throw afterPublish('an older database could not be dropped', server.staging.name, cause);
    }
    const { published, restored } = this.#outcome;
    const what = restored?.madeAt ? `what it was at ${restored.madeAt}` : `what ${restored?.file} says`;
    this.#run.log.info(
      `${published?.database} is ${what}; what it replaced is kept as ${published?.previous}`,
    );
  }
}

const noSteps: Steps = { sql: [], command: null };

function hasSteps({ sql, command, check }: BeforePublish): boolean {
  return sql.length > 0 || command !== null || check.length > 0;
}
