import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DistantServer, Trips } from '../../scripts/bench/distant-server.ts';
import { environmentName } from '../../scripts/contract.ts';
import { contentOf } from '../support/content.ts';
import { expectRun } from '../support/engine.ts';
import { makeScenario, smallProduction } from '../support/scenario.ts';
import { servers } from '../support/servers.ts';

const roundTripMs = 20;
const tables = 150;

/**
 * What is counted is what was sent after an answer, at whatever speed: the proxies see the bytes. It was 204 when this
 * was written, 72 of them one after the other; one for each table, or each of its sequences, keys and indexes, would be
 * 150 more.
 */
const atMost = 300;

/** Each with a sequence, two indexes, and a key to the one before: what pg_dump and pg_restore ask and say one by one. */
const manyTables = `
  ${smallProduction}
  create function doubled(n integer) returns integer language sql as 'select 2 * n';
  do $$ begin
    for n in 1..${tables} loop
      execute format('create table many_%s (id bigserial primary key, name text unique, before bigint)', n);
      execute format('insert into many_%s (name) values (''one''), (''two'')', n);
      if n > 1 then
        execute format('alter table many_%s add foreign key (before) references many_%s', n, n - 1);
      end if;
    end loop;
  end $$;`;

test('far from both servers a run waits for few round trips, however many objects there are', async () => {
  await using scenario = await makeScenario(manyTables);
  const pair = await servers();
  const trips = new Trips(roundTripMs);
  await using production = await DistantServer.open(pair.production.port, roundTripMs, trips);
  await using staging = await DistantServer.open(pair.staging.port, roundTripMs, trips);
  const through = (variable: string, { port }: DistantServer) => {
    const url = new URL(scenario.environment[variable] ?? '');
    url.port = String(port);
    return { [variable]: url.href };
  };
  await expectRun({
    ...scenario.environment,
    ...through(environmentName.productionUrl, production),
    ...through(environmentName.stagingUrl, staging),
  });
  assert.deepEqual(await contentOf(scenario.staging), await contentOf(scenario.production));
  assert(trips.sent <= atMost, `${trips.sent} times sent after an answer`);
});
