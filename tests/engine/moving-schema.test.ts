import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { RefreshError } from '../../scripts/model/errors.ts';
import { classify } from '../../scripts/postgres/failure.ts';
import {
  asMoved,
  type Lockable,
  lockableQuery,
  refuseMoved,
} from '../../scripts/stages/snapshot/lockable.ts';
import { withSnapshot } from '../../scripts/stages/snapshot.ts';
import { contentOf } from '../support/content.ts';
import { expectRun, startEngine } from '../support/engine.ts';
import { policyFlags } from '../support/policy.ts';
import { runOf } from '../support/run.ts';
import {
  as,
  leavingStagingAlone,
  makeScenario,
  type Scenario,
  slowProduction,
  smallProduction,
  until,
  untilCopying,
} from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';

/** Lets the engine begin while a migration holds `customers`, carries the rest of it out, and commits. */
async function duringMigration<Result>(
  { production }: Scenario,
  migration: string,
  run: () => Promise<Result>,
): Promise<Result> {
  return await as('app', production, async (session) => {
    await session.query('begin; lock table customers in access exclusive mode');
    const result = run();
    result.catch(() => undefined);
    await until(
      production,
      `select 1 as waits from pg_stat_activity
        where datname = $1 and query = 'rollback' and application_name like 'staging-refresh%'`,
      [production.name],
    );
    await session.query(`${migration}; commit`);
    return await result;
  });
}

test('a migration that makes, drops or renames tables while the run begins is waited for, and its result is copied', async (t) => {
  const migrations: readonly (readonly [name: string, migration: string])[] = [
    ['dropped', 'drop table customers cascade'],
    ['renamed', 'alter table customers rename to clients'],
    ['new', 'create table newcomers (id integer)'],
    [
      'made anew under its name',
      'drop table customers cascade; create table customers (id integer primary key)',
    ],
  ];
  for (const [name, migration] of migrations) {
    await t.test(name, async () => {
      await using scenario = await makeScenario();
      const { environment } = scenario;
      await duringMigration(scenario, migration, () => expectRun(environment, ['--no-artifact']));
      assert.deepEqual(await contentOf(scenario.staging), await contentOf(scenario.production));
    });
  }
});

test('tables that change between their list and their locks are seen, and named where that goes on', async () => {
  await using scenario = await makeScenario();
  await as('app', scenario.production, async (session) => {
    const list = async () => (await session.query<Lockable>(lockableQuery)).rows;
    const before = await list();
    assert.doesNotThrow(() => refuseMoved(before, before));
    await session.query(
      `alter table customers rename to clients; create view customers as select 1;
       drop table orders cascade; create table orders (id integer);`,
    );
    const after = await list();
    // A renamed one is the same table, and under its lock.
    assert.throws(() => refuseMoved(before, after), {
      code: 'catalog-moved',
      message: /while the run began: public\.orders is new, public\.orders is gone$/,
    });
    for (const [statement, moved] of [
      ['lock table only gone', true],
      ['lock table only gone.customers', true],
      ['lock table only "customers", "customers_id_seq"', true],
      ['select 1/0', false],
    ] as const) {
      const failure: unknown = await session
        .query(`begin; ${statement}`)
        .catch((error) => asMoved(classify(error, 'it', true)));
      await session.query('rollback');
      assert(failure instanceof RefreshError, statement);
      assert.equal(failure.code === 'catalog-moved', moved, `${statement}: ${failure.message}`);
    }
  });
});

test('views, functions and indexes that a migration changes while they are read are read once more', async (t) => {
  const definitions = `${smallProduction}
    create materialized view sums as select sum(total) from orders;
    create function plus(integer) returns integer language sql as 'select $1 + 1'`;
  const changes: readonly (readonly [what: string, statements: string, again: boolean])[] = [
    ['gone', 'drop view totals; drop function plus(integer)', true],
    ['made anew', 'drop view totals; create view totals as select 1 as one', true],
    ['named otherwise', 'alter index orders_customer rename to orders_by_customer', true],
    [inFullArtifact, 'drop view totals; create view totals as select 1 as one', true],
    [
      'new, or of no account',
      `create view more as select 1; create temporary table t (); drop table t; analyze orders;
       refresh materialized view sums; create index on orders (total)`,
      false,
    ],
  ];
  for (const [what, statements, again] of changes) {
    await t.test(what, async () => {
      await using scenario = await makeScenario(definitions);
      const full = what === inFullArtifact;
      const programs = scenario.environment.PG_BINDIR ?? '';
      const { bindir, here, goOn } = await waitingDump(programs, full ? '/full/' : '');
      const engine = await startEngine({ ...scenario.environment, PG_BINDIR: bindir }, [
        ...(full ? await fullArtifact() : ['--no-artifact']),
        ...(what === 'made anew' ? ['--strategy', 'in-place'] : []),
      ]);
      while (!existsSync(here))
        await Promise.race([sleep(20), engine.result.then(({ stderr }) => assert.fail(stderr))]);
      await as('app', scenario.production, (session) => session.query(statements));
      await writeFile(goOn, '');
      const { code, stderr, report } = await engine.result;
      assert.equal(code, 0, stderr);
      assert.equal(report?.phases.filter(({ name }) => name === 'snapshot').length, again ? 2 : 1, stderr);
      if (again) assert.deepEqual(await contentOf(scenario.staging), await contentOf(scenario.production));
    });
  }
});

test('whether definitions have changed is known, too, where a statement failed because of it', async () => {
  await using scenario = await makeScenario();
  const run = runOf(scenario.environment);
  await withSnapshot(run, async ({ session, moved }) => {
    assert.equal(await moved(), false);
    await as('app', scenario.production, (app) => app.query('drop view totals'));
    await assert.rejects(session.rows('select from public.totals'), { code: 'statement-failed' });
    assert.equal(await moved(), true);
  });
});

/** PostgreSQL's programs with a pg_dump that tells when it is `here`, and begins when there is a file `goOn`. */
const inFullArtifact = 'while they are read for an artifact of the full content';

const asItIs =
  'version: 1\nunlisted: copy\ntables: { public.customers: { mask: { name: { keep: for the test } } } }\n';

async function fullArtifact(): Promise<string[]> {
  const recipient = await identityToRecipient(await generateX25519Identity());
  return ['--artifact-content', 'full', '--recipient', recipient, ...(await policyFlags(asItIs))];
}

/** @param argument what it waits for stands in an argument. */
async function waitingDump(
  programs: string,
  argument: string,
): Promise<Record<'bindir' | 'here' | 'goOn', string>> {
  const bindir = await mkdtemp(join(await testFolder(), 'bin-'));
  const [here, goOn] = [join(bindir, 'here'), join(bindir, 'go-on')];
  await symlink(join(programs, 'pg_restore'), join(bindir, 'pg_restore'));
  await writeFile(
    join(bindir, 'pg_dump'),
    `#!/bin/sh
case "$1 $*" in
  --version*) ;;
  *'${argument}'*) : > '${here}'; while [ ! -e '${goOn}' ]; do sleep 0.02; done
esac
exec '${join(programs, 'pg_dump')}' "$@"
`,
    { mode: 0o700 },
  );
  return { bindir, here, goOn };
}

test('a table that is altered while the run begins is copied as it is then, and the migration is in no deadlock with the run', async () => {
  await using scenario = await makeScenario(`create table before_it (id integer); ${smallProduction}`);
  await duringMigration(
    scenario,
    `alter table before_it add column since date;
     alter table customers add column since date default '2026-01-01', drop column name`,
    () => expectRun(scenario.environment, ['--verify', 'checksums']),
  );
  assert.deepEqual(await contentOf(scenario.staging), await contentOf(scenario.production));
});

test('while a table is copied nobody can drop, alter or empty it', async () => {
  await using scenario = await makeScenario(slowProduction);
  await leavingStagingAlone(scenario, async () => {
    const engine = await startEngine(scenario.environment, ['--no-artifact']);
    await untilCopying(scenario, engine);
    for (const statement of [
      'drop table slow',
      'alter table slow add column x int',
      'truncate slow',
      'drop schema public cascade',
    ]) {
      await as('app', scenario.production, async (session) => {
        await session.query(`set lock_timeout = '50ms'`);
        await assert.rejects(session.query(statement), { code: '55P03' }, statement);
      });
    }
    engine.kill('SIGINT');
    return await engine.result;
  });
});
