import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentName } from '../../scripts/contract.ts';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { command, startCommand } from '../commands/command.ts';
import { TcpProxy } from '../faults/tcp-proxy.ts';
import { contentOf } from '../support/content.ts';
import { expectRun, type RunningEngine, startEngine } from '../support/engine.ts';
import { policyFlags } from '../support/policy.ts';
import { databasesBeside, makeScenario, type Scenario, until } from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';

test('a run that is cut off in the middle of the renames reports what became of them', async (t) => {
  await using scenario = await makeScenario();
  const { staging, production, environment } = scenario;
  const old = await contentOf(staging);
  await t.test('SIGINT, and the renames could go on a moment later: what is told is what is', async () => {
    const { engine, goOn } = await startWaiting(environment);
    const next = await untilNext(scenario);
    await holdingRename(scenario, next, goOn, async () => {
      engine.kill('SIGINT');
      await sleep(300);
    });
    const { code, report, stderr } = await engine.result;
    // On a machine that is slow the renames may be through before they are ended.
    const published = code !== 130;
    assert.equal(report?.published !== null, published, stderr);
    const { tables } = await contentOf(staging);
    assert.deepEqual(tables, published ? (await contentOf(production)).tables : old.tables, stderr);
    assert.deepEqual(await databasesBeside(staging, 'next_'), []);
  });
  await t.test('its session is ended: staging is as it was', async () => {
    const before = await contentOf(staging);
    const { engine, goOn } = await startWaiting(environment);
    const next = await untilNext(scenario);
    await holdingRename(scenario, next, goOn, async () => {
      await until(staging, `select pg_terminate_backend(pid) from pg_stat_activity where ${renaming(next)}`);
    });
    const { code, report, stderr } = await engine.result;
    assert.equal(code, 4, stderr);
    assert.equal(report?.published, null);
    assert.deepEqual(await contentOf(staging), before);
  });
  await t.test('the network is cut for a while and the renames go on: published', async () => {
    await using proxy = await TcpProxy.open(staging.server.port);
    const { engine, goOn } = await startWaiting(through(environment, proxy));
    const next = await untilNext(scenario);
    await holdingRename(scenario, next, goOn, async () => {
      proxy.begin('cut');
      proxy.begin('stall');
    });
    await untilRenamed(scenario, next);
    proxy.heal();
    const { report, stderr } = await engine.result;
    assert.equal(report?.published?.database, staging.name, stderr);
    assert.match(stderr, /the server says that it was carried out/);
    assert.deepEqual((await contentOf(staging)).tables, (await contentOf(production)).tables);
  });
});

test('a rollback that is cut off in the middle of the renames reports what became of them', async (t) => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const old = await contentOf(staging);
  await expectRun(environment);
  const refreshed = await contentOf(staging);
  await t.test('SIGINT, and the renames could go on a moment later: what is told is what is', async () => {
    const previous = await newestEarlier(scenario);
    const { code, stderr } = await holdingRename(
      scenario,
      previous,
      () => startCommand(environment, ['rollback']),
      async ({ child, result }) => {
        child.kill('SIGINT');
        await Promise.race([result, sleep(300)]);
      },
    ).then(({ result }) => result);
    assert.ok(code === 130 || code === 0, stderr);
    assert.deepEqual(await contentOf(staging), code === 0 ? old : refreshed, stderr);
    // For the next one to start from there.
    if (code === 0) await command(environment, ['rollback']);
  });
  await t.test('the network is cut for a while and the renames go on: it is back', async () => {
    await using proxy = await TcpProxy.open(staging.server.port);
    const previous = await newestEarlier(scenario);
    const { code, stderr } = await holdingRename(
      scenario,
      previous,
      () => startCommand(through(environment, proxy), ['rollback']),
      async () => {
        proxy.begin('cut');
        proxy.begin('stall');
      },
    ).then(async ({ result }) => {
      await untilRenamed(scenario, previous);
      proxy.heal();
      return await result;
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /the server says that it was carried out/);
    assert.deepEqual(await contentOf(staging), old);
  });
});

/**
 * Keeps the second rename of what `begin` begins waiting for a lock, lets `meanwhile` happen as soon as it waits, and
 * then lets it go on.
 * A comment that is not committed locks the database and nothing else.
 */
async function holdingRename<Begun extends { readonly result: Promise<{ readonly stderr: string }> }>(
  { staging }: Scenario,
  database: string,
  begin: () => Promise<Begun>,
  meanwhile: (begun: Begun) => Promise<void>,
): Promise<Begun> {
  return await withSession(staging.server, superuser(staging.server), 'postgres', async (session) => {
    await session.query(`begin; comment on database "${database}" is 'held'`);
    const begun = await begin();
    const ended = begun.result.then(({ stderr }) => {
      throw new Error(`it ended before it renamed anything:\n${stderr}`);
    });
    const waiting = until(staging, `select 1 as waiting from pg_stat_activity where ${renaming(database)}`);
    for (const promise of [ended, waiting]) promise.catch(() => undefined);
    await Promise.race([waiting, ended]);
    await meanwhile(begun);
    await session.query('rollback');
    return begun;
  });
}

function renaming(database: string): string {
  return `query like '%rename to%' and query like '%${database}%' and wait_event_type = 'Lock' and pid <> pg_backend_pid()`;
}

/** A run that publishes nothing before it is told to: whoever means to hold the renames could come too late. */
async function startWaiting(
  environment: Readonly<Record<string, string>>,
): Promise<{ engine: RunningEngine; goOn: () => Promise<RunningEngine> }> {
  const told = join(await mkdtemp(join(await testFolder(), 'told-')), 'go');
  const policy = await policyFlags(`version: 1
unlisted: copy
tables: { public.customers: { mask: { name: { keep: for the test } } } }
before-publish: { command: 'while ! test -e ${told}; do sleep 0.05; done' }
`);
  const engine = await startEngine(environment, policy);
  const goOn = async () => {
    await writeFile(told, '');
    return engine;
  };
  return { engine, goOn };
}

/** The name of the database that a run makes, as soon as our mark is on it. */
async function untilNext({ staging }: Scenario): Promise<string> {
  const { name } = await until<{ name: string }>(
    staging,
    `select datname as name from pg_database
      where starts_with(datname, $1) and shobj_description(oid, 'pg_database') is not null`,
    [`${staging.name}__next_`],
  );
  return name;
}

async function newestEarlier({ staging }: Scenario): Promise<string> {
  const names = await databasesBeside(staging, 'previous_');
  assert.equal(names.length, 1);
  return names[0] ?? '';
}

async function untilRenamed({ staging }: Scenario, database: string): Promise<void> {
  await until(staging, 'select 1 as renamed where not exists (select from pg_database where datname = $1)', [
    database,
  ]);
}

function through(environment: Readonly<Record<string, string>>, proxy: TcpProxy): Record<string, string> {
  const url = new URL(environment[environmentName.stagingUrl] ?? '');
  url.port = String(proxy.port);
  return { ...environment, [environmentName.stagingUrl]: url.href };
}
