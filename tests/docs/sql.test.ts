import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import { expectRun } from '../support/engine.ts';
import { as, scenarioOf } from '../support/scenario.ts';
import { freshDatabase, sampleDatabase, servers } from '../support/servers.ts';
import { readDocument } from './document.ts';

/** The document's roles under names of this test's own: other tests follow it beside this one. */
const suffix = randomBytes(4).toString('hex');
const reader = `refresh_reader_${suffix}`;
const refresher = `refresher_${suffix}`;

const passwords = { production: randomBytes(12).toString('hex'), staging: randomBytes(12).toString('hex') };

test('the roles of docs/real-accounts.md are enough for a refresh, and go as it says', async (t) => {
  const { production: source, staging: server } = await servers();
  // Once their databases are gone, nothing depends on the roles any more.
  t.after(async () => {
    await as('postgres', { server: source, name: 'postgres' }, (session) =>
      session.query(`drop role if exists ${reader}`),
    );
    await as('postgres', { server, name: 'postgres' }, (session) =>
      session.query(`drop role if exists ${refresher}`),
    );
  });
  const sample = await sampleDatabase();
  await using scenario = await scenarioOf(sample, await freshDatabase(server));
  const { production, staging } = scenario;
  const [makeReader = '', grants = '', makeRefresher = ''] = sqlOf('docs/real-accounts.md');
  const shop = (sql: string) => sql.replaceAll(/\bon database shop\b/g, `on database ${production.name}`);
  await as('doadmin', production, (session) =>
    session.query(shop(makeReader).replace('A-LONG-RANDOM-PASSWORD', passwords.production)),
  );
  await as('app', production, (session) => session.query(grants));
  // The provider's administrator: doadmin may not hand pg_signal_backend on.
  await as('postgres', staging, (session) =>
    session.query(makeRefresher.replace('ANOTHER-LONG-RANDOM-PASSWORD', passwords.staging)),
  );
  const environment = {
    ...scenario.environment,
    [environmentName.productionUrl]: withLogin(production.url('app'), reader, passwords.production),
    [environmentName.stagingUrl]: withLogin(staging.url('app'), refresher, passwords.staging),
  };
  const { summary } = await expectRun(environment, ['--no-artifact']);
  assert.ok(summary.rows > 100_000);

  const { spans } = readDocument('docs/real-accounts.md');
  const steps = [
    'grant refresh_reader to app;',
    'drop owned by refresh_reader;',
    'drop role refresh_reader;',
  ];
  for (const [index, step] of steps.entries()) {
    assert.ok(spans.includes(step), `${step} is not in the document any more`);
    await as(index === 1 ? 'app' : 'doadmin', production, (session) => session.query(renamed(step)));
  }
});

test('the questions of docs/runbook.md can be asked by staging’s administrator', async () => {
  const { staging: server } = await servers();
  const staging = await freshDatabase(server);
  await using _scenario = await scenarioOf(await sampleDatabase(), staging);
  const questions = sqlOf('docs/runbook.md');
  assert.equal(questions.length, 3);
  for (const question of questions) await as('doadmin', staging, (session) => session.query(question));
});

function sqlOf(path: string): string[] {
  return readDocument(path)
    .fences.filter(({ language }) => language === 'sql')
    .map(({ text }) => renamed(text));
}

function renamed(sql: string): string {
  return sql.replaceAll('refresh_reader', reader).replaceAll('refresher', refresher);
}

function withLogin(url: string, user: string, password: string): string {
  const changed = new URL(url);
  changed.username = user;
  changed.password = password;
  return changed.href;
}
