import { after, before, describe, test } from 'node:test';
import { drift } from './drift.ts';
import { oneStack } from './one-stack.ts';
import { rails } from './rails.ts';
import type { LifecycleStack } from './stack.ts';
import type { Step } from './story.ts';
import { World } from './world.ts';

const stories: Readonly<Record<string, readonly Step[]>> = {
  'one stack': oneStack,
  'changes by hand': drift,
  'guard rails': rails,
};

/** Every story with one applier: the same list for the real Pulumi and for the apply of this process. */
export function describeStories(
  applier: string,
  makeStack: (world: World) => Promise<LifecycleStack>,
  skip: (needs: Step['needs']) => string | false,
): void {
  for (const [story, steps] of Object.entries(stories)) {
    describe(`${story}, ${applier}`, () => {
      let world: World | undefined;
      let stack: LifecycleStack;

      before(async () => {
        if (steps.every(({ needs }) => skip(needs) !== false)) return;
        world = await World.create();
        stack = await makeStack(world);
      });
      after(async () => await world?.close());

      for (const { title, needs, run } of steps) {
        test(title, { skip: skip(needs) }, async () => await run(stack));
      }
    });
  }
}
