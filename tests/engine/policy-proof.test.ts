import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectFailure, expectRun } from '../support/engine.ts';
import { maskKey, policyFlags } from '../support/policy.ts';
import { leavingStagingAlone, makeScenario } from '../support/scenario.ts';

const production = `
  create table cards (id serial primary key, stars text, code text, label text, amount numeric);
  insert into cards (stars, code, label, amount) select '****', 'c' || g, 'l' || g, g from generate_series(1, 40000) g;`;

test('a mask that does not mask, or not the same way twice, publishes nothing', async (t) => {
  await using scenario = await makeScenario(production);
  const environment = { ...scenario.environment, REFRESH_MASK_KEY: maskKey };
  const failing: Record<string, [string, RegExp]> = {
    'a whole column comes out as it went in': [
      '{ stars: { partial: {} }, code: hash }',
      /all 40000 values are the clear ones \(public\.cards\.stars\)/,
    ],
    'an expression of chance: what staging holds was never compared': [
      '{ code: hash, label: { sql: "random()::text" } }',
      /staging holds other masked values than production made \(public\.cards\.label\)/,
    ],
  };
  for (const [name, [mask, says]] of Object.entries(failing)) {
    await t.test(name, async () => {
      const flags = await policyFlags(`version: 1\ntables: { public.cards: { mask: ${mask} } }`);
      await leavingStagingAlone(scenario, () =>
        expectFailure(environment, { exit: 5, code: 'mask-failed', says }, flags),
      );
    });
  }

  await t.test('an expression that leaves everything as it is gets a warning', async () => {
    const { report } = await expectRun(
      environment,
      await policyFlags(
        'version: 1\ntables: { public.cards: { mask: { code: hash, label: { sql: label } } } }',
      ),
    );
    assert.ok(
      report.warnings.includes('public.cards.label: its mask sql left all 40000 values as they were'),
      report.warnings.join('\n'),
    );
  });
});
