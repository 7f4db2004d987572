import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentName } from '../../scripts/contract.ts';
import { TcpProxy } from '../faults/tcp-proxy.ts';
import { type EngineResult, startEngine } from '../support/engine.ts';
import { policyFlags } from '../support/policy.ts';
import {
  as,
  leavingNoTrace,
  makeScenario,
  type Scenario,
  slowProduction,
  slowSession,
  untilCopying,
} from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';

const stall = ['--stall-seconds', '2', '--jobs', '1'];

test('a network that lets nothing through any more ends the run', async () => {
  await using scenario = await makeScenario(slowProduction);
  await using proxy = await TcpProxy.open(scenario.production.server.port);
  const result = await duringCopy(scenario, 'production', proxy, () => proxy.begin('stall'));
  assert.equal(result.code, 4, result.stderr);
  assert.equal(result.report?.error?.code, 'connection-lost', result.stderr);
  assert.match(
    result.stderr,
    /production did not answer for \d+ s, and a new connection gets no answer either/,
  );
});

test('one connection that is stalled while others work is noticed by asking about it', async () => {
  await using scenario = await makeScenario(slowProduction);
  await using proxy = await TcpProxy.open(scenario.staging.server.port);
  // The one that writes rows: another may have nothing to wait for.
  const result = await leavingNoTrace(scenario, () =>
    duringCopy(scenario, 'staging', proxy, async () =>
      proxy.stall((await slowSession(scenario)).client_port),
    ),
  );
  assert.equal(result.code, 4, result.stderr);
  assert.equal(result.report?.error?.code, 'connection-lost', result.stderr);
  assert.match(result.stderr, /it waits for us while we wait for it/);
});

test('a run that failed ends, although a connection that it still had stays silent and nobody new gets through', async () => {
  await using scenario = await makeScenario('create table flags (flag text primary key)');
  await as('app', scenario.staging, (session) =>
    session.query(`create table flags (flag text primary key); insert into flags values ('ours')`),
  );
  const folder = await mkdtemp(join(await testFolder(), 'stalled-'));
  const [reached, go] = [join(folder, 'reached'), join(folder, 'go')];
  const [flag, file] = await policyFlags(`version: 1
tables: { public.flags: { treatment: preserve } }
before-publish: { command: 'touch ${reached}; while ! test -e ${go}; do sleep 0.05; done' }
`);
  await using proxy = await TcpProxy.open(scenario.staging.server.port);
  const url = new URL(scenario.environment[environmentName.stagingUrl] ?? '');
  url.port = String(proxy.port);
  const environment = { ...scenario.environment, [environmentName.stagingUrl]: url.href };
  const engine = await startEngine(environment, [flag, file]);
  while (!existsSync(reached)) await Promise.race([sleep(20), engine.result]);
  // Nobody listens on the port of TCPMUX: newcomers are turned away at once, and nothing can be cleaned up.
  proxy.redirect(1);
  proxy.begin('stall');
  writeFileSync(go, '');
  const { code, stderr } = await engine.result;
  assert.equal(code, 4, stderr);
  assert.match(stderr, /could not be dropped/);
});

test('a statement that is silent for long because it works is left alone', async () => {
  await using scenario = await makeScenario(`
    create function slow_check(id integer) returns boolean language plpgsql as $$
      begin
        if current_database() like '%\\_\\_next\\_%' then perform pg_sleep(4); end if;
        return true;
      end $$;
    create table one_row (id integer primary key check (slow_check(id)));
    insert into one_row values (1);`);
  const engine = await startEngine(scenario.environment, ['--stall-seconds', '1']);
  const result = await engine.result;
  assert.equal(result.code, 0, result.stderr);
});

test('a network that is slow is no stalled one: rows in the kernel’s buffers are on their way', async () => {
  await using scenario = await makeScenario(`
    create table noise (id integer primary key, filler text not null);
    insert into noise
      select g, (select string_agg(md5(random()::text || g || p), '') from generate_series(1, 60) p) from generate_series(1, 1500) g;`);
  await using proxy = await TcpProxy.open(scenario.staging.server.port);
  proxy.begin('throttle');
  const url = new URL(scenario.environment[environmentName.stagingUrl] ?? '');
  url.port = String(proxy.port);
  const environment = { ...scenario.environment, [environmentName.stagingUrl]: url.href };
  const result = await (await startEngine(environment, ['--stall-seconds', '3', '--jobs', '1'])).result;
  assert.equal(result.code, 0, result.stderr);
});

/** Runs the engine through the proxy on one side, and lets trouble begin once rows are under way. */
async function duringCopy(
  scenario: Scenario,
  side: 'production' | 'staging',
  proxy: TcpProxy,
  trouble: () => void | Promise<void>,
): Promise<EngineResult> {
  const name = environmentName[`${side}Url`];
  const url = new URL(scenario.environment[name] ?? '');
  url.port = String(proxy.port);
  const engine = await startEngine({ ...scenario.environment, [name]: url.href }, stall);
  await untilCopying(scenario, engine);
  await trouble();
  const result = await engine.result;
  proxy.heal();
  return result;
}
