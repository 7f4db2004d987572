import type { ArtifactReader } from '../../artifact/reader.ts';
import type { RestoreConfig } from '../../model/config.ts';
import type { BeforePublish } from '../../model/policy.ts';
import type { Log, Run } from '../../model/run.ts';
import { Secret } from '../../model/secret.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';
import { openArtifact } from '../../stages/artifact-file.ts';
import { beforePublish, readSqlFiles, type SqlFile } from '../../stages/before-publish.ts';
import { preflightStaging } from '../../stages/preflight/staging.ts';
import type { Preserved } from '../../stages/preserve.ts';
import { prunePrevious } from '../../stages/prune.ts';
import { publish } from '../../stages/publish.ts';
import { proveArtifact } from '../../stages/restore.ts';
import { Stopwatch } from '../../system/stopwatch.ts';
import { withCarried } from '../run/build.ts';
import { afterPublish, carryOut, type RunResult } from '../run/ending.ts';
import { Outcome } from '../run/outcome.ts';
import { discardNext, withRun } from '../run-scope.ts';
import { type Built, buildFromArtifact } from './from-artifact.ts';

/**
 * A backup file into staging, with everything that a refresh has but production. Never throws for what can happen to
 * it once the file is open: the report says what did.
 *
 * @throws RefreshError `bad-file`, `bad-environment` for a file that can't be opened.
 */
export async function runRestore(config: RestoreConfig, path: string, log: Log): Promise<RunResult> {
  await using reader = await openArtifact(path, config.environment);
  const { database } = reader.index.production;
  // What a report tells of production is told of the file; there is nothing to log in to.
  const production = { host: path, port: 0, user: '', password: new Secret(''), database };
  return await withRun({ ...config, production }, log, (run) => new Restoration(run, reader).carryOut());
}

class Restoration {
  readonly #run: Run;
  readonly #reader: ArtifactReader;
  readonly #stopwatch: Stopwatch;
  readonly #outcome = new Outcome();

  constructor(run: Run, reader: ArtifactReader) {
    this.#run = run;
    this.#reader = reader;
    this.#stopwatch = new Stopwatch(run.log);
  }

  async carryOut(): Promise<RunResult> {
    return await carryOut(this.#run, this.#stopwatch, this.#outcome, () => this.#restore());
  }

  async #restore(): Promise<void> {
    const { index, path } = this.#reader;
    this.#outcome.restored = { file: path, madeAt: index.madeAt, format: 'artifact' };
    this.#stopwatch.phase('read');
    const files = this.#run.config.policy ? await readSqlFiles(this.#run.config.policy) : [];
    await proveArtifact(this.#run, this.#reader);
    this.#stopwatch.phase('preflight');
    const { server, maintenance } = await preflightStaging(this.#run);
    await using _maintenance = maintenance;
    this.#outcome.servers = { staging: server.staging, production: index.production };
    const built = await this.#build(server, maintenance);
    this.#outcome.verified = built.verified;
    try {
      const hold = await this.#makeOwn(built, files);
      this.#stopwatch.phase('publish');
      this.#run.signal.throwIfAborted();
      this.#outcome.published = await publish(this.#run, server, maintenance, built.verified, hold);
    } catch (error) {
      await discardNext(this.#run, built.verified.database);
      throw error;
    }
    await this.#tidy(server, maintenance);
  }

  async #build(server: StagingServer, maintenance: Session): Promise<Built> {
    return await buildFromArtifact(this.#run, server, maintenance, this.#reader, {
      phase: (name) => this.#stopwatch.phase(name),
      loaded: ({ tables, work }) => {
        this.#outcome.tables = tables;
        this.#outcome.work = work;
      },
    });
  }

  /** Staging's own rows, what the team runs before publishing, owners and privileges. */
  async #makeOwn(
    { carryOver, handOver, next }: Built,
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
    outcome.leftOut.push(...(await handOver()));
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
    const { published } = this.#outcome;
    this.#run.log.info(
      `${published?.database} is what it was at ${this.#reader.index.madeAt}; what it replaced is kept as ${published?.previous}`,
    );
  }
}

function hasSteps({ sql, command, check }: BeforePublish): boolean {
  return sql.length > 0 || command !== null || check.length > 0;
}
