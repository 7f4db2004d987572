import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectFailure, expectRun } from '../support/engine.ts';
import { column, maskKey, ownMask, policyFlags } from '../support/policy.ts';
import { leavingStagingAlone, makeScenario } from '../support/scenario.ts';
import { tampering } from '../support/tampering.ts';

const production = `
  create domain host as text check (value <> '');
  create table cards (id serial primary key, stars text, code text, label text, amount numeric, tags text[], no_tags text[], seldom text, never text);
  insert into cards (stars, code, label, amount, tags, no_tags, seldom)
    select '****', 'c' || g, 'l' || g, g, array['t' || g, null], '{}', case g when 31234 then 'seldom' end from generate_series(1, 40000) g;
  create table hosts (id int primary key, address host, named text[]);
  insert into hosts select g, case g when 90000 then '${ownMask.address}' else '10.0.0.' || g end, array['10.1.1.1']
    from generate_series(1, 100000) g;
  create table notes (id int, title text, body text) partition by list (id);
  create table notes_1 partition of notes for values in (1);
  create table notes_2 partition of notes for values in (2);
  insert into notes select g, 't', 'b' from generate_series(1, 2) g;`;

test('a mask that does not mask publishes nothing', async (t) => {
  await using scenario = await makeScenario(production);
  const environment = { ...scenario.environment, REFRESH_MASK_KEY: maskKey };
  const policyOf = (cards: string, hosts = 'treatment: schema-only') =>
    policyFlags(`version: 1\ntables: { public.cards: { mask: ${cards} }, public.hosts: { ${hosts} } }`);

  await t.test('a whole column comes out as it went in', async () => {
    const flags = await policyOf('{ stars: { partial: {} }, code: hash }');
    const says = /all 40000 values are the clear ones \(public\.cards\.stars\)/;
    await leavingStagingAlone(scenario, () =>
      expectFailure(environment, { exit: 5, code: 'mask-failed', says }, flags),
    );
  });

  await t.test('one of 100,000 values comes out as it went in: production does not send it', async () => {
    const log = join(scenario.production.server.folder, 'server.log');
    const before = (await readFile(log)).length;
    const flags = await policyOf('{ code: hash }', 'mask: { address: ip }');
    const says = /its mask leaves a value as it is, which was not sent \(public\.hosts\.address\)/;
    const { stderr, stdout } = await leavingStagingAlone(scenario, () =>
      expectFailure(
        { ...environment, REFRESH_MASK_KEY: ownMask.key },
        { exit: 5, code: 'mask-failed', says },
        flags,
      ),
    );
    const logged = (await readFile(log)).subarray(before).toString();
    assert.match(logged, /refresh\.clear_value_of\(address\)/, 'the error is production’s');
    assert.ok(!`${logged}${stderr}${stdout}`.includes(ownMask.address));
  });

  await t.test('what may be, and what is worth a warning', async () => {
    const { report } = await expectRun(
      environment,
      await policyOf(
        `{ code: hash, label: { sql: label }, amount: { sql: "random() * id" }, tags: { name: {} }, no_tags: hash, seldom: company, never: name }`,
        `mask: { address: ip, named: ip } }, public.notes: { mask: { body: { sql: body }, title: { sql: "title || repeat('-', id - 1)" } }`,
      ),
    );
    const unchanged = report.warnings.filter((warning) => warning.includes('as they were'));
    assert.deepEqual(unchanged.sort(), [
      'public.cards.label: its mask sql left all 40000 values as they were',
      'public.notes.body: its mask sql left all 2 values as they were',
    ]);
    assert.deepEqual(await column(scenario.staging, 'select distinct no_tags from cards'), [[]]);
    assert.notDeepEqual(await column(scenario.staging, 'select seldom from cards where seldom is not null'), [
      'seldom',
    ]);
  });
});

test('what staging holds in place of what production sent publishes nothing', async () => {
  await using scenario = await makeScenario(`
    create table people (id int primary key, email text, first text, note text);
    insert into people select g, 'p' || g || '@corp.test', 'Clear', 'n' || g from generate_series(1, 3000) g;
    ${tampering([`update public.people set email = 'p7@corp.test' where id = 7`, `update public.people set first = 'Clear'`])}`);
  const failing: Record<string, RegExp> = {
    'email: email': /1 values in staging don’t look like masked ones \(public\.people\.email\)/,
    'email: { keep: made up }, note: hash, first: name':
      /staging holds other masked values than production made \(public\.people\.first\)/,
  };
  for (const [mask, says] of Object.entries(failing)) {
    const flags = await policyFlags(
      `version: 1\ntables: { public.people: { where: id > 3, mask: { ${mask} } } }`,
    );
    await leavingStagingAlone(scenario, () =>
      expectFailure(
        { ...scenario.environment, REFRESH_MASK_KEY: maskKey },
        { exit: 5, code: 'mask-failed', says },
        flags,
      ),
    );
  }
});
