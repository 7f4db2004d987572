import assert from 'node:assert/strict';
import { assertTreated, generations, refuseReset } from './forked.ts';
import { commandsOf } from './page.ts';
import type { PulumiStack } from './stack.ts';
import { didOnly, real, type Step } from './story.ts';

/** What a person does about forks, by the pages' own commands. */
export const forkRepairs: readonly Step[] = [
  {
    title: 'the cluster in use, deleted by hand: up --refresh makes it again and treats it',
    needs: 'the real provider',
    async run(stack) {
      const [generation = ''] = await generations(stack);
      const { id } = await stack.world.cluster(generation);
      await stack.world.ocean.delete(`/v2/databases/${id}`);
      const output = await carriedOut(real(stack), 'pulumi up --refresh');
      assert.match(output, /the staging before is gone/);
      assert.deepEqual(await generations(stack), [generation]);
      assert.notEqual((await stack.world.cluster(generation)).id, id);
      assert.deepEqual(await stack.world.rules(generation), ['ip_addr 127.0.0.1']);
      await assertTreated(stack);
      didOnly(await stack.preview(), {});
    },
  },
  {
    title: 'a fork now, one that is given up, one that is begun afresh',
    needs: 'the real provider',
    async run(stack) {
      const [now = ''] = commandsOf('docs/scale.md', 'One generation after the other');
      const [afresh = '', giveUp = ''] = commandsOf('docs/runbook.md', 'State: a fork was not finished');
      const [before = ''] = await generations(stack);
      await carriedOut(real(stack), now);
      const [inUse = '', ...others] = await generations(stack);
      assert.deepEqual(others, []);
      assert.notEqual(inUse, before);
      await fails(real(stack), afresh);
      assert.equal((await generations(stack)).length, 2);
      await carriedOut(real(stack), giveUp);
      assert.deepEqual(await generations(stack), [inUse]);
      await assertTreated(stack);
      await fails(real(stack), afresh);
      await carriedOut(real(stack), afresh);
      const [again = '', ...left] = await generations(stack);
      assert.deepEqual([left, again === inUse], [[], false]);
      await assertTreated(stack);
      await carriedOut(real(stack), giveUp);
      assert.deepEqual(await generations(stack), [again]);
      didOnly(await stack.preview(), {});
    },
  },
];

async function carriedOut(stack: PulumiStack, script: string): Promise<string> {
  const { output, succeeded } = await stack.shell(script);
  assert.ok(succeeded, output);
  return output;
}

/** In the middle of the treatment. */
async function fails(stack: PulumiStack, script: string): Promise<void> {
  await refuseReset(stack);
  const { output, succeeded } = await stack.shell(script);
  assert.ok(!succeeded, output);
  assert.match(output, /api-refused/);
}
