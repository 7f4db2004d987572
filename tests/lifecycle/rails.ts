import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, real, type Step, succeeded } from './story.ts';

/** The policy pack, loaded by the real CLI. */
export const rails: readonly Step[] = [
  {
    title: 'a sound stack passes, before it is made',
    needs: 'pulumi preview --policy-pack',
    async run(stack) {
      succeeded(await real(stack).previewWithGuardRails());
    },
  },
  {
    title: 'a stack that is open to all does not',
    needs: 'pulumi preview --policy-pack',
    async run(stack) {
      const { trustedSources } = stack.config;
      Object.assign(stack.config, { trustedSources: [], openToAll: true });
      failed(await real(stack).previewWithGuardRails(), /staging-has-trusted-sources/);
      Object.assign(stack.config, { trustedSources, openToAll: false });
    },
  },
  {
    title: 'nor does one whose files hold a secret',
    needs: 'pulumi preview --policy-pack',
    async run(stack) {
      const policy = join(stack.world.folder, 'refresh.policy.yaml');
      const text = 'version: 1\nunlisted: copy\n';
      await writeFile(policy, `${text}# postgresql://doadmin:hunter2@staging.example:25060/shop\n`);
      const { output } = failed(await real(stack).previewWithGuardRails(), /no-secret-in-clear/);
      assert.doesNotMatch(output, /hunter2/);
      await writeFile(policy, text);
    },
  },
  {
    title: 'production’s own cluster, adopted with another database, is a warning',
    needs: 'pulumi preview --policy-pack',
    async run(stack) {
      const { stagingCluster, trustedSources } = stack.config;
      Object.assign(stack.config, {
        stagingCluster: { adopt: 'shop-production', database: 'shop_staging' },
        trustedSources: [],
      });
      const { output } = succeeded(await real(stack).previewWithGuardRails());
      assert.match(output, /\[advisory\] +staging-has-its-own-cluster/);
      // What the configuration refuses first, so that the rule never has to.
      Object.assign(stack.config, { stagingCluster: { adopt: 'shop-production' } });
      failed(await real(stack).previewWithGuardRails(), /is production itself/);
      Object.assign(stack.config, { stagingCluster, trustedSources });
    },
  },
];
