import assert from 'node:assert/strict';
import {
  assertRefreshed,
  clusterNames,
  didOnly,
  failed,
  fileIn,
  type Step,
  secretNames,
  succeeded,
} from './story.ts';

/** Two teams, or two branches of one: a cluster and a repository each. */
export const twoStacks: readonly Step[] = [
  {
    title: 'two stacks in one account stand side by side',
    async run(stack, another) {
      const second = await another();
      const warehouse = { name: 'warehouse-staging', database: 'shop', user: 'app' };
      Object.assign(second.config, { stagingCluster: warehouse, repository: 'local/warehouse' });
      succeeded(await stack.up());
      succeeded(await second.up());
      assert.deepEqual(await clusterNames(stack), ['shop-production', 'shop-staging', 'warehouse-staging']);
      didOnly(await stack.preview(), {});
      await assertRefreshed(second);
    },
  },
  {
    title: 'the one that takes the other’s cluster name is refused, and the other keeps its cluster',
    needs: 'more time than npm test has',
    async run(stack, another) {
      const second = await another();
      const { id } = await stack.world.cluster('shop-staging');
      const { stagingCluster } = second.config;
      second.config.stagingCluster = stack.config.stagingCluster ?? {};
      failed(await second.up(), /name is not available/);
      second.config.stagingCluster = stagingCluster ?? {};
      succeeded(await second.up());
      assert.equal((await stack.world.cluster('shop-staging')).id, id);
    },
  },
  {
    title: 'destroying one leaves the other whole',
    async run(stack, another) {
      const second = await another();
      succeeded(await second.destroy());
      assert.deepEqual(await clusterNames(stack), ['shop-production', 'shop-staging']);
      assert.deepEqual(await secretNames(stack, 'local/warehouse'), []);
      assert.equal(await fileIn(stack, 'local/warehouse'), undefined);
      await assertRefreshed(stack);
      didOnly(await stack.preview(), {});
    },
  },
];
