import assert from 'node:assert/strict';
import { commandsOf } from './page.ts';
import {
  assertRefreshed,
  clusterNames,
  didOnly,
  fileIn,
  overwriteSecret,
  real,
  type Step,
  secretNames,
  succeeded,
  writeOldWorkflow,
} from './story.ts';

/** `stagingCluster: {adopt}`. */
export const adopted: readonly Step[] = [
  {
    title: 'up makes nothing at DigitalOcean and refreshes',
    async run(stack) {
      await stack.world.makeCluster('team-staging');
      delete stack.config.trustedSources;
      stack.config.stagingCluster = { adopt: 'team-staging', database: 'shop', user: 'app' };
      await stack.world.requests();
      const { created } = succeeded(await stack.up());
      assert.deepEqual(
        created.filter((name) => name.includes('team-staging')),
        [],
      );
      const writes = (await stack.world.requests()).filter((request) => !request.startsWith('GET '));
      assert.deepEqual(
        writes.filter((request) => request.includes('/v2/')),
        [],
      );
      assert.deepEqual(await stack.world.rules('team-staging'), ['ip_addr 127.0.0.1']);
      await assertRefreshed(stack);
      didOnly(await stack.preview(), {});
    },
  },
  {
    title: 'destroy leaves the cluster, its data and its list',
    async run(stack) {
      const { id } = await stack.world.cluster('team-staging');
      succeeded(await stack.destroy());
      assert.equal((await stack.world.cluster('team-staging')).id, id);
      assert.deepEqual(await stack.world.rules('team-staging'), ['ip_addr 127.0.0.1']);
      assert.deepEqual(await secretNames(stack), []);
    },
  },
];

/** docs/adopt.md, its commands as they are written there. */
export const takenOver: readonly Step[] = [
  {
    title: 'the page’s commands take the cluster over; the preview plans no replacement and no update',
    needs: 'pulumi import',
    async run(stack) {
      await stack.world.makeCluster('team-staging');
      await writeOldWorkflow(stack);
      await overwriteSecret(stack, 'PRODUCTION_DB_URL');
      stack.config.stagingCluster = { name: 'team-staging', database: 'shop', user: 'app' };
      const { output, succeeded: ended } = await real(stack).shell(
        (await names(stack)) +
          commandsOf('docs/adopt.md', 'Take a cluster over')
            .filter((text) => text !== 'pulumi up\n')
            .join('\n'),
      );
      assert.ok(ended, output);
      const { created, updated, replaced, deleted } = succeeded(await stack.preview());
      assert.deepEqual([updated, replaced, deleted], [[], [], []]);
      assert.ok(
        created.includes('refresh-run') && !created.some((name) => name.includes('team-staging')),
        output,
      );
    },
  },
  {
    title: 'up refreshes it in place and takes over workflow and secrets',
    needs: 'pulumi import',
    async run(stack) {
      const { id } = await stack.world.cluster('team-staging');
      succeeded(await stack.up());
      assert.equal((await stack.world.cluster('team-staging')).id, id);
      assert.match((await fileIn(stack)) ?? '', /staging-refresh/);
      await assertRefreshed(stack);
      didOnly(await stack.preview(), {});
    },
  },
  {
    title: 'the page’s way back out: the cluster is only used from then on',
    needs: 'pulumi import',
    async run(stack) {
      const { output, succeeded: ended } = await real(stack).shell(
        (await names(stack)) + urnLine + commandsOf('docs/adopt.md', 'Back out').join('\n'),
      );
      assert.ok(ended, output);
      delete stack.config.trustedSources;
      stack.config.stagingCluster = { adopt: 'team-staging', database: 'shop', user: 'app' };
      const { replaced, deleted } = succeeded(await stack.up());
      assert.deepEqual([replaced, deleted], [[], []]);
      succeeded(await stack.destroy());
      assert.deepEqual(await clusterNames(stack), ['shop-production', 'team-staging']);
    },
  },
];

/** The first line of the page's first script, which the later ones go on from. */
const urnLine = 'urn="urn:pulumi:$(pulumi stack --show-name)::staging-refresh::"\n';

async function names({ world }: Parameters<Step['run']>[0]): Promise<string> {
  const { id } = await world.cluster('team-staging');
  return `CLUSTER_NAME=team-staging CLUSTER_ID=${id} DATABASE=shop ROLE=app\n`;
}
