import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { artifactFolder } from '../../artifact/programs.ts';
import { command } from '../../commands/command.ts';
import { type Content, contentOf } from '../../support/content.ts';
import { dice } from '../../support/dice.ts';
import { expectRun, type RunningEngine, startEngine } from '../../support/engine.ts';
import {
  as,
  assertAtRest,
  databasesBeside,
  makeScenario,
  type Scenario,
  untilNoRun,
} from '../../support/scenario.ts';
import { makeScenarioInPlace } from '../../support/steward.ts';

const inPlace = ['--strategy', 'in-place'];

test('SIGKILL at any point of a run in place leaves the old or the new, whole, and the next run goes on', async () => {
  await using scenario = await makeScenarioInPlace();
  const roll = dice(20261122);
  const { seconds } = await timeOf(scenario, inPlace);
  for (let round = 0; round < 4; round++) {
    const contents = await oldAndNew(scenario, round);
    await killed(scenario, inPlace, async () => await sleep(1000 * seconds * (0.3 + 0.8 * roll())));
    await assertOneOf(scenario, contents, `round ${round}`);
  }
  await expectRun(scenario.environment, inPlace);
  assert.deepEqual(await contentOf(scenario.staging), await contentOf(scenario.production));
  await assertAtRest(scenario, undefined);
});

test('SIGKILL while it publishes, in place and by rename, leaves the old or the new, whole', async (t) => {
  for (const [name, flags] of [
    ['in place', inPlace],
    ['by rename', []],
  ] as const) {
    await t.test(name, async () => {
      await using scenario = await (flags.length > 0 ? makeScenarioInPlace() : makeScenario());
      const roll = dice(2026);
      for (let round = 0; round < 3; round++) {
        const contents = await oldAndNew(scenario, round);
        await killed(scenario, flags, async (engine) => {
          while (!/ {2}publish$/m.test(engine.said())) await sleep(1);
          await sleep(60 * roll());
        });
        await assertOneOf(scenario, contents, `round ${round}`);
      }
      const { report } = await expectRun(scenario.environment, flags);
      assert.deepEqual(await contentOf(scenario.staging), await contentOf(scenario.production));
      assert.deepEqual(
        await databasesBeside(scenario.staging),
        report.published?.previous ? [report.published.previous] : [],
      );
    });
  }
});

test('SIGKILL at any point of a restore in place leaves the old or the restored, whole', async () => {
  await using scenario = await makeScenarioInPlace();
  const { staging, environment } = scenario;
  const made = await expectRun(environment, [...inPlace, '--artifact', await artifactFolder()]);
  const flags = [made.report.artifact?.path ?? '', ...inPlace];
  const restored = await contentOf(staging);
  const roll = dice(5);
  for (let round = 0; round < 4; round++) {
    await as('app', staging, (session) =>
      session.query(`insert into customers (name) values ('of round ${round}')`),
    );
    const old = await contentOf(staging);
    const phase = round % 2 === 0 ? / {2}(load|verify)$/m : / {2}publish$/m;
    const moment = async (engine: RunningEngine) => {
      for (let tries = 0; tries < 30_000 && !phase.test(engine.said()); tries++) await sleep(1);
      await sleep(60 * roll());
    };
    await killed(scenario, flags, moment, 'restore');
    await assertOneOf(scenario, [old, restored], `round ${round}`);
  }
  await command(environment, ['restore', ...flags]);
  assert.deepEqual(await contentOf(staging), restored);
  await assertAtRest(scenario, undefined);
});

/** What staging may hold afterwards; production is another one each time, so that the two can be told apart. */
async function oldAndNew({ production, staging }: Scenario, round: number): Promise<Content[]> {
  await as('app', production, (session) =>
    session.query(`insert into customers (name) values ('of round ${round}')`),
  );
  return [await contentOf(staging), await contentOf(production)];
}

async function assertOneOf({ staging }: Scenario, contents: readonly Content[], when: string): Promise<void> {
  await untilNoRun(staging);
  const now = await contentOf(staging);
  assert(
    contents.some((content) => isDeepStrictEqual(content, now)),
    `${when}: staging is neither old nor new`,
  );
}

async function killed(
  { environment }: Scenario,
  flags: readonly string[],
  moment: (engine: RunningEngine) => Promise<void>,
  command: 'run' | 'restore' = 'run',
): Promise<void> {
  const engine = await startEngine(environment, flags, command);
  let ended = false;
  engine.result.then(
    () => {
      ended = true;
    },
    () => undefined,
  );
  await moment(engine);
  if (!ended) engine.kill('SIGKILL');
  await engine.result;
}

/** How long a run takes on this machine: the moments of the kills are spread over that. */
async function timeOf({ environment }: Scenario, flags: readonly string[]): Promise<{ seconds: number }> {
  const begun = performance.now();
  await expectRun(environment, flags);
  return { seconds: (performance.now() - begun) / 1000 };
}
