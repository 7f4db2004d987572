import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandsOf } from './page.ts';
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
  {
    title: 'the page’s command, and a program that breaks every rule: each says so in one preview',
    needs: 'pulumi preview --policy-pack',
    async run(stack) {
      const [command = ''] = commandsOf('docs/outputs.md', 'Guard rails');
      const sound = await real(stack).shell(command);
      assert.ok(sound.succeeded, sound.output);
      const folder = join(stack.world.folder, 'broken');
      await mkdir(folder);
      await writeFile(join(folder, 'Pulumi.yaml'), 'name: broken\nruntime: nodejs\nmain: index.js\n');
      await writeFile(join(folder, 'package.json'), '{ "type": "module", "main": "index.js" }\n');
      await writeFile(join(folder, 'index.js'), brokenProgram(stack.world.productionId));
      const { output, succeeded: passed } = await real(stack).shell(
        `cd broken\npulumi stack init broken\n${command.replace('components/', '../components/')}`,
      );
      assert.ok(!passed, output);
      for (const finding of broken) assert.match(output, finding);
      assert.doesNotMatch(output, /hunter2/);
    },
  },
];

/** One violation of each rule; a preview asks no API about any of them. */
function brokenProgram(productionId: string): string {
  const url = 'postgresql://doadmin:hunter2@prod.example:25060/shop';
  const environment = {
    PRODUCTION_DB_URL: url,
    STAGING_DB_URL: url,
    PROD_DB_CLUSTER_ID: productionId,
    STAGING_DB_CLUSTER_ID: productionId,
  };
  const beside = { ...environment, STAGING_DB_URL: `${url}_staging` };
  return `import * as digitalocean from '@pulumi/digitalocean';
import { local } from '@pulumi/command';
new local.Command('same', { create: 'true', environment: ${JSON.stringify(environment)} });
new local.Command('beside', { create: 'true', environment: ${JSON.stringify(beside)} });
new local.Command('clear', { create: 'refresh run ${url}' });
const provider = new digitalocean.Provider('digitalocean', { token: 'dop_v1_of_nobody' });
new digitalocean.DatabaseFirewall('opened', { clusterId: '${productionId}', rules: [{ type: 'ip_addr', value: '0.0.0.0/0' }] }, { provider });
new digitalocean.DatabaseCluster('bare', { name: 'bare', engine: 'pg', version: '17', size: 'db-s-1vcpu-2gb', region: 'fra1', nodeCount: 1 }, { provider });
`;
}

const broken = [
  /\[mandatory\] +staging-is-not-production[\s\S]*same: staging and production are the same database/,
  /\[advisory\] +staging-has-its-own-cluster[\s\S]*beside: staging is in production's own cluster/,
  /\[mandatory\] +trusted-sources-name-somebody[\s\S]*opened: 0\.0\.0\.0\/0 is the whole internet/,
  /\[mandatory\] +staging-has-trusted-sources[\s\S]*bare: has no trusted sources/,
  /\[mandatory\] +no-secret-in-clear[\s\S]*clear: create holds a connection string/,
  /\[mandatory\] +production-is-not-managed[\s\S]*opened: a DatabaseFirewall of production's cluster/,
];
