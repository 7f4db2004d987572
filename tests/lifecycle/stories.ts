import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { adopted, takenOver } from './adoption.ts';
import { drift } from './drift.ts';
import { firstTeam } from './first-team.ts';
import { fork } from './fork.ts';
import { halfFinished } from './half-finished.ts';
import { oneStack } from './one-stack.ts';
import { rails } from './rails.ts';
import type { LifecycleStack } from './stack.ts';
import type { Step } from './story.ts';
import { twoStacks } from './two-stacks.ts';
import { World } from './world.ts';

const stories: Readonly<Record<string, readonly Step[]>> = {
  'one stack': oneStack,
  'changes by hand': drift,
  'half-finished states': halfFinished,
  'two stacks in one account': twoStacks,
  'a cluster that is only used': adopted,
  'a cluster that is taken over': takenOver,
  'generations of a fork': fork,
  'guard rails': rails,
  'a first team': firstTeam,
};

/** Every story with one applier: the same list for the real Pulumi and for the apply of this process. */
export function describeStories(
  applier: string,
  makeStack: (world: World, name?: string) => Promise<LifecycleStack>,
  skip: (needs: Step['needs']) => string | false,
): void {
  for (const [story, steps] of Object.entries(stories)) {
    describe(`${story}, ${applier}`, () => {
      let world: World | undefined;
      let stack: LifecycleStack;
      let second: LifecycleStack | undefined;

      before(async () => {
        if (steps.every(({ needs }) => skip(needs) !== false)) return;
        world = await World.create({ ownProduction: steps === fork || steps === firstTeam });
        stack = await makeStack(world);
      });
      after(async () => {
        const gaps = await world?.gaps();
        await world?.close();
        assert.deepEqual(gaps ?? [], [], 'requests that the emulations have no answer for');
      });

      for (const { title, needs, run } of steps) {
        test(title, { skip: skip(needs) }, async () => {
          await run(stack, async () => {
            second ??= await makeStack(stack.world, 'second');
            return second;
          });
        });
      }
    });
  }
}
