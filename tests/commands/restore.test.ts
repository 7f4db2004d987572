import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdCompressSync } from 'node:zlib';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { decompressFrames } from '../../scripts/artifact/zstd-stream.ts';
import { reportSchema } from '../../scripts/model/report.ts';
import { artifactFolder, differing, dumpLines, loadEverything, viewRows } from '../artifact/programs.ts';
import { startWeb } from '../digitalocean/service.ts';
import { contentOf } from '../support/content.ts';
import {
  as,
  databasesBeside,
  makeScenario,
  type Scenario,
  scenarioOf,
  untilNoRun,
} from '../support/scenario.ts';
import { freshDatabase, sampleDatabase, servers } from '../support/servers.ts';
import { artifactOf, stagingOnly } from './artifact-of.ts';
import { command, startCommand } from './command.ts';

test('what run published, restore brings back: the sample business', async () => {
  const { staging: server } = await servers();
  await using scenario = await scenarioOf(
    await sampleDatabase(),
    await freshDatabase(server, { prefix: 'stag' }),
  );
  await equalAfterRestore(scenario);
});

test('what run published, restore brings back: every class of object', async () => {
  await using scenario = await makeScenario('');
  await loadEverything(scenario.production);
  await equalAfterRestore(scenario);
});

test('a table in many frames is loaded in parts, and a row that no frame holds goes through a file', async () => {
  await using scenario = await makeScenario(`
    create table wide (id integer primary key, filler text not null);
    insert into wide select g, repeat(md5(g::text), 400) from generate_series(1, 3000) g;
    create table huge (id integer primary key, filler text not null);
    alter table huge alter filler set storage external;
    insert into huge select g, (select string_agg(md5(random()::text), '') from generate_series(1, 1100000))
      from generate_series(1, 2) g;
    insert into huge values (3, 'short');`);
  await equalAfterRestore(scenario);
});

test('restore does what run does around it: report, before-publish, notification, and says why it failed', async (t) => {
  await using scenario = await makeScenario();
  const { environment, staging } = scenario;
  const file = await artifactOf(scenario);
  const folder = await artifactFolder();
  const policy = join(folder, 'policy.yaml');
  const policyFor = (check: string) =>
    `version: 1\nunlisted: copy\nbefore-publish: { sql: [own.sql], check: ["${check}"] }\n`;
  writeFileSync(policy, policyFor('select count(*) = 1 from own'));
  writeFileSync(join(folder, 'own.sql'), 'create table own as select 1 as id;');
  const web = await startWeb(t);
  const told = { ...stagingOnly(environment), REFRESH_NOTIFY_URL: web.url };
  const flags = [
    'restore',
    file,
    '--policy',
    policy,
    '--notify-format',
    'json',
    '--report',
    join(folder, 'r.json'),
  ];
  const { stdout } = await command(told, [...flags, '--json']);
  const report = reportSchema.parse(JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8')));
  assert.deepEqual(JSON.parse(stdout), report);
  assert.match(report.warnings.join('\n'), /was made under no data policy/);
  assert.equal(report.outcome, 'published');
  assert.deepEqual(report.restored?.file, file);
  assert.equal(report.verification?.rows, 2050);
  assert(report.phases.some(({ name }) => name === 'before-publish'));
  assert.equal((await as('app', staging, (session) => session.query('select id from own'))).rowCount, 1);
  const before = await contentOf(staging);
  writeFileSync(policy, policyFor('select false'));
  await command(told, flags, { exit: 5, says: /check-failed/ });
  const failed = reportSchema.parse(JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8')));
  assert.deepEqual([failed.outcome, failed.exitCode, failed.error?.code], ['failed', 5, 'check-failed']);
  assert.deepEqual(await contentOf(staging), before);
  assert.deepEqual(await databasesBeside(staging, 'next_'), []);
  const events = web.received.map(({ body }) => JSON.parse(body).event);
  assert.deepEqual(events, ['refresh.succeeded', 'refresh.failed']);
  // A report that can't be written is told after the fact: staging is new.
  writeFileSync(policy, policyFor('select true'));
  const nowhere = [...flags.slice(0, -1), join(policy, 'report.json')];
  await command(told, nowhere, { exit: 6, says: /the report could not be written/ });
  const past = await command(told, ['history', '--artifact', folder, '--report', join(folder, 'r.json')]);
  assert.equal(past.stdout.split(`restored from ${basename(file)}\n`).length, 3, past.stdout);
  assert.ok(past.stdout.endsWith(`staging has the rows of ${basename(file)}\n`), past.stdout);
});

test('a last look before publishing finds what the team’s steps did to a copy; another policy is named', async () => {
  await using scenario = await makeScenario();
  const { staging } = scenario;
  const environment = { ...scenario.environment, REFRESH_MASK_KEY: 'k'.repeat(32) };
  const folder = await artifactFolder();
  const policy = join(folder, 'policy.yaml');
  const write = (mask: string, sql: string) => {
    const customers = `tables: { public.customers: { treatment: copy, mask: { name: ${mask} } } }`;
    writeFileSync(policy, `version: 1\nunlisted: copy\n${customers}\nbefore-publish: { sql: [own.sql] }\n`);
    writeFileSync(join(folder, 'own.sql'), sql);
  };
  write('url', 'select 1;');
  const file = await artifactOf({ environment }, ['--policy', policy]);
  const restore = ['restore', file, '--policy', policy, '--report', join(folder, 'r.json')];
  const { stderr } = await command(environment, restore);
  assert.doesNotMatch(stderr, /data policy|masked ones/);
  write('url', `update customers set name = 'clear' where id <= 3;`);
  await command(environment, restore, {
    exit: 0,
    says: /customers\.name: 3 values don’t look like masked ones, after the policy’s own steps/,
  });
  const before = await contentOf(staging);
  write(
    '{ fixed: "other" }',
    `alter table orders drop constraint orders_customer_fkey;
     alter table orders add constraint orders_customer_fkey foreign key (customer) references customers not valid;`,
  );
  await command(environment, restore, { exit: 5, says: /orders_customer_fkey .*not validated/ });
  const { warnings } = reportSchema.parse(JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8')));
  assert.match(warnings.join('\n'), /was made under another data policy/);
  assert.deepEqual(await contentOf(staging), before);
});

test('verify restores it beside staging and leaves nothing', async () => {
  await using scenario = await makeScenario();
  const { environment, staging } = scenario;
  const file = await artifactOf(scenario);
  const [before, beside] = [await contentOf(staging), await databasesBeside(staging)];
  const { stdout, temporaryFiles } = await command(stagingOnly(environment), ['verify', file, '--json']);
  const { published, verification } = JSON.parse(stdout) as {
    published: null;
    verification: { rows: number };
  };
  assert.equal(published, null);
  assert.equal(verification.rows, 2050);
  assert.deepEqual(await contentOf(staging), before);
  assert.deepEqual(await databasesBeside(staging), beside);
  assert.deepEqual(temporaryFiles, []);
});

test('a damaged file is refused by the commands, clear or encrypted, before staging is touched', async () => {
  await using scenario = await makeScenario();
  const { environment, staging } = scenario;
  const identity = await generateX25519Identity();
  const withKey = { ...environment, REFRESH_AGE_IDENTITY: identity };
  const clear = readFileSync(await artifactOf(scenario));
  const encrypted = readFileSync(
    await artifactOf(scenario, ['--recipient', await identityToRecipient(identity)]),
  );
  const before = [await contentOf(staging), await databasesBeside(staging)];
  const path = join(await artifactFolder(), 'damaged');
  for (const sound of [clear, encrypted]) {
    const middle = sound.length >> 1;
    const flipped = Buffer.from(sound);
    flipped[middle] = (flipped[middle] ?? 0) ^ 1;
    for (const [at, content] of [flipped, sound.subarray(0, middle), sound.subarray(0, -1)].entries()) {
      writeFileSync(path, content);
      await command(withKey, [at === 0 ? 'restore' : 'verify', path], { exit: 2, says: /bad-file/ });
    }
  }
  // Its text could be anybody's: a row is changed, and zstd's own checksums are right.
  const text: Buffer[] = [];
  for await (const part of decompressFrames(Readable.from([clear]), path)) text.push(part);
  writeFileSync(path, zstdCompressSync(Buffer.concat(text).toString().replace('customer 7\n', 'somebody\n')));
  await command(withKey, ['restore', path], { exit: 2, says: /the text of an artifact, without the index/ });
  assert.deepEqual([await contentOf(staging), await databasesBeside(staging)], before);
});

test('killed at any point it leaves the old or the restored database, whole', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const file = await artifactOf(scenario);
  await as('app', staging, (session) => session.query('drop table orders cascade'));
  const content = async () => (await dumpLines(staging)).join('\n');
  const old = await content();
  await command(environment, ['restore', file]);
  const restored = await content();
  await command(environment, ['rollback']);
  for (const milliseconds of [200, 400, 600, 800, 1000, 1200, 1400, 1600]) {
    const { child, result } = await startCommand(environment, ['restore', file]);
    await Promise.race([result, sleep(milliseconds)]);
    child.kill('SIGKILL');
    await result;
    await untilNoRun(staging);
    const now = await content();
    assert([old, restored].includes(now), `killed after ${milliseconds} ms`);
  }
  await command(environment, ['restore', file]);
  assert.equal(await content(), restored);
  assert.deepEqual(await databasesBeside(staging, 'next_'), []);
});

/** Refreshes, spoils staging, restores: content, owners, privileges, settings are as published. */
async function equalAfterRestore(scenario: Scenario): Promise<void> {
  const { staging, environment } = scenario;
  const file = await artifactOf(scenario);
  const [views, dump] = [await viewRows(staging), await dumpLines(staging, [])];
  await as('postgres', staging, (session) => session.query('create table spoilt (id int)'));
  await command(stagingOnly(environment), ['restore', file, '--jobs', '3']);
  assert.deepEqual(differing(await dumpLines(staging, []), dump), []);
  assert.equal(await viewRows(staging), views);
  assert.deepEqual(await databasesBeside(staging, 'next_'), []);
}
