import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { expectRun } from '../support/engine.ts';
import { maskKey } from '../support/policy.ts';
import { as, scenarioOf } from '../support/scenario.ts';
import { freshDatabase, sampleDatabase, servers } from '../support/servers.ts';

const policyFile = fileURLToPath(new URL('../../refresh.policy.yaml', import.meta.url));

test('the sample business under its own policy: masked, left out, neutralised, checked', async () => {
  const { staging: server } = await servers();
  await using scenario = await scenarioOf(
    await sampleDatabase(),
    await freshDatabase(server, { prefix: 'stag' }),
  );
  const environment = { ...scenario.environment, REFRESH_MASK_KEY: maskKey };
  const { report } = await expectRun(environment, ['--policy', policyFile]);
  const tables = new Map(report.tables.map((table) => [table.name, table]));
  assert.equal(tables.get('sessions')?.treatment, 'schema-only');
  assert.equal(tables.get('contacts')?.masked?.length, 7);
  const clear = async (database: typeof scenario.staging) =>
    await as('postgres', database, async (session) => {
      const { rows } = await session.query<{ n: number }>(
        `select (select count(*) from contacts where email like '%@customer%' or notes like 'Call %' or phone not like '+999%')
              + (select count(*) from users where email like '%@wholesale.example' or password_hash like '$2b$%')
              + (select count(*) from sessions) + (select count(*) from api_tokens)
              + (select count(*) from billing.payments where iban !~ '^DE..[*]+$')
              + (select count(*) from audit.events where details ->> 'ip' like '10.%') as n`,
      );
      return Number(rows[0]?.n);
    });
  assert.ok((await clear(scenario.production)) > 80_000);
  assert.equal(await clear(scenario.staging), 0);
});
