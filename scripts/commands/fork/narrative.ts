import type { ForkConfig } from '../../model/config.ts';
import { RefreshError } from '../../model/errors.ts';
import { commentWith, finishedFork, pastRunOf, runsOfComment } from '../../model/history.ts';
import type { LoadedTable } from '../../model/report.ts';
import { applicationOf, type ForkRun, type Log } from '../../model/run.ts';
import { describeAddress } from '../../model/server-address.ts';
import { ident, literal } from '../../model/table.ts';
import type { Verified } from '../../model/verified.ts';
import { openFork } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { carryOutPhases, once, openHands } from '../../stages/fork/carry-out.ts';
import { forgetEmptied, requireForgotten } from '../../stages/fork/forget.ts';
import { journalSchema, readCounted, type Treatment } from '../../stages/fork/journal.ts';
import { maskInPlace, readClear } from '../../stages/fork/masking.ts';
import { neutralise } from '../../stages/fork/neutralise.ts';
import { changePasswords } from '../../stages/fork/passwords.ts';
import { endOtherSessions, openDatabase } from '../../stages/fork/wall.ts';
import { type ForkPreflight, preflightFork } from '../../stages/preflight/fork.ts';
import { refuseWithoutPolicy } from '../../stages/preflight/without-policy.ts';
import { approachFork, findPrevious } from '../../stages/trusted-sources/closing.ts';
import { clearStatement, verifyFork } from '../../stages/verify/fork.ts';
import { Stopwatch } from '../../system/stopwatch.ts';
import { type RunResult, seeThrough } from '../run/ending.ts';
import { Outcome } from '../run/outcome.ts';
import { withRun } from '../run-scope.ts';
import { beginTreatment } from './begin.ts';
import { makeOwn } from './own.ts';

/** A fork of production becomes a staging. Never throws for what can happen to it: the report says what did. */
export async function runFork(config: ForkConfig, log: Log): Promise<RunResult> {
  return await withRun(config, log, (run) => new Fork(run).carryOut());
}

class Fork {
  readonly #run: ForkRun;
  readonly #stopwatch: Stopwatch;
  readonly #outcome = new Outcome();

  constructor(run: ForkRun) {
    this.#run = run;
    this.#stopwatch = new Stopwatch(run.log);
  }

  async carryOut(): Promise<RunResult> {
    return await seeThrough(this.#run, this.#stopwatch, this.#outcome, () => this.#treat());
  }

  async #treat(): Promise<void> {
    const run = await findPrevious(this.#run);
    this.#phase('preflight');
    const trustedSources = await approachFork(run);
    const checked = await preflightFork(run);
    await using _maintenance = checked.maintenance;
    this.#outcome.servers = checked.servers;
    this.#outcome.remembered = runsOfComment(checked.previousComment);
    if (checked.finished) return this.#alreadyDone(checked);
    refuseWithoutPolicy(run.config, this.#outcome.remembered);

    this.#phase('close');
    await trustedSources.close();
    await this.#isolate(checked);

    this.#phase('plan');
    const treatment = await beginTreatment(run, checked);
    const { before, rewrite, after, last, searchPath, plan } = treatment;
    await using work = await openHands(run, searchPath);
    this.#phase('leave out');
    await carryOutPhases(run, work.hands, before);
    this.#phase('mask');
    await maskInPlace(run, work.hands, treatment, clearStatement(plan));
    this.#phase('rewrite');
    await carryOutPhases(run, work.hands, rewrite);
    const [first] = work.hands;
    if (first) await forgetEmptied(run, first, plan, treatment.changed);
    this.#phase('constraints');
    await carryOutPhases(run, work.hands, after);
    if (first) await requireForgotten(first, plan);

    this.#phase('verify');
    await this.#verify(treatment);
    await makeOwn(run, checked, treatment, this.#outcome, this.#stopwatch);
    this.#phase('statistics');
    await carryOutPhases(run, work.hands, last);

    this.#phase('publish');
    await this.#open(checked, treatment);
  }

  #alreadyDone({ servers }: ForkPreflight): void {
    this.#outcome.published = { database: servers.staging.name, previous: null, lockedOutSeconds: 0 };
    this.#run.log.warn('this fork is a staging already: nothing was done to it');
  }

  #phase(name: string): void {
    this.#run.signal.throwIfAborted();
    this.#stopwatch.phase(name);
  }

  /** Nothing in the fork acts by itself any more, and nobody else can come in. */
  async #isolate({ servers, maintenance }: ForkPreflight): Promise<void> {
    this.#outcome.leftOut.push(...(await neutralise(this.#run, servers, maintenance)));
    await changePasswords(this.#run, maintenance);
    await endOtherSessions(this.#run, servers, maintenance);
  }

  /** Once: staging's own rows come afterwards. */
  async #verify({ plan, constraints }: Treatment): Promise<void> {
    const run = this.#run;
    await using proof = await openHands(run, '');
    const [session] = proof.hands;
    if (!session) throw new Error('nobody to ask');
    const result = await once(session, 'verify', async () => {
      const [before, clear] = [await readCounted(session), await readClear(session)];
      return JSON.stringify(await verifyFork(run, proof.hands, plan, constraints, before, clear));
    });
    const { verified, tables } = JSON.parse(result) as { verified: Verified; tables: LoadedTable[] };
    this.#outcome.verified = verified;
    this.#outcome.tables = tables;
  }

  /** One transaction: our schema goes, staging's memory is written, and who could connect may again. */
  async #open({ servers, previousComment }: ForkPreflight, treatment: Treatment): Promise<void> {
    const run = this.#run;
    const database = servers.staging.name;
    await using session = await openFork(run, { synchronous_commit: 'on' });
    await requireAlone(run, session);
    this.#outcome.published = { database, previous: null, lockedOutSeconds: 0 };
    const remembered = pastRunOf(
      this.#outcome.report(run, this.#stopwatch.phases(), undefined),
      run.config.policy,
    );
    this.#outcome.published = undefined;
    const comment = commentWith(
      finishedFork(previousComment ?? servers.staging.comment, run.config.stagingClusterId),
      remembered,
    );
    await session.run(
      [
        'begin',
        `drop schema ${ident(journalSchema)} cascade`,
        `comment on database ${ident(database)} is ${literal(comment)}`,
        ...openDatabase(servers, treatment.connect),
        'commit',
      ].join(';\n'),
      database,
    );
    this.#outcome.published = { database, previous: null, lockedOutSeconds: 0 };
    run.log.warn(
      'WAL and DigitalOcean’s backups of this cluster hold clear values of production for seven days: nobody else should restore them',
    );
  }
}

/** A last look: nobody has come in meanwhile. */
async function requireAlone(run: ForkRun, session: Session): Promise<void> {
  const others = await session.rows<{ who: string }>(
    `select format('%s of %s', coalesce(nullif(a.application_name, ''), 'process ' || a.pid), a.usename) as who
       from pg_catalog.pg_stat_activity a join pg_catalog.pg_roles r on r.oid = a.usesysid
      where a.datname = current_database() and a.backend_type = 'client backend' and not r.rolsuper
        and a.application_name not like $1`,
    [`${applicationOf(run)}%`],
  );
  if (others.length === 0) return;
  throw new RefreshError(
    'fork-spoiled',
    `somebody was connected to the fork: ${others.map(({ who }) => who).join(', ')}`,
    {
      object: describeAddress(run.config.staging),
      hint: 'they may have seen production’s values: find out who, change the administrator’s password, make a new fork',
    },
  );
}
