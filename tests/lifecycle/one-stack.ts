import assert from 'node:assert/strict';
import { query, servers } from '../support/servers.ts';
import {
  assertRefreshed,
  clusterNames,
  copyBroke,
  didOnly,
  failed,
  fileIn,
  liveDatabase,
  type Step,
  secretNames,
  staging,
  succeeded,
} from './story.ts';

const everySecret = [
  'DO_API_TOKEN',
  'PRODUCTION_DB_CA',
  'PRODUCTION_DB_URL',
  'PROD_DB_CLUSTER_ID',
  'REFRESH_MASK_KEY',
  'STAGING_DB_CA',
  'STAGING_DB_CLUSTER_ID',
  'STAGING_DB_URL',
];

/** From the first `up` through every change that a team makes. `destroy` has a story of its own. */
export const oneStack: readonly Step[] = [
  {
    title: 'the first up makes staging, writes secrets and workflow, and refreshes',
    async run(stack) {
      const { replaced, deleted } = succeeded(await stack.up());
      assert.deepEqual([replaced, deleted], [[], []]);
      assert.deepEqual(await clusterNames(stack), ['shop-production', 'shop-staging']);
      assert.deepEqual(await stack.world.rules('shop-staging'), ['ip_addr 127.0.0.1']);
      assert.deepEqual((await secretNames(stack)).sort(), everySecret);
      assert.match((await fileIn(stack)) ?? '', /^ {4}- cron: '?0 2 \* \* 0/m);
      await assertRefreshed(stack);
    },
  },
  {
    title: 'no call writes to production, and a preview writes nowhere',
    async run(stack) {
      const { world } = stack;
      const before = await world.requests();
      const writes = before.filter((request) => !request.startsWith('GET '));
      assert.ok(writes.length > 0);
      assert.deepEqual(
        writes.filter((request) => request.includes(world.productionId)),
        [],
      );
      didOnly(await stack.preview(), {});
      assert.deepEqual(
        (await world.requests()).filter((request) => !request.startsWith('GET ')),
        [],
      );
    },
  },
  {
    title: 'neither the state nor what was printed holds a secret in clear; the outputs are typed',
    async run(stack) {
      const { output } = await stack.up();
      const { production, app } = await servers();
      const outputs = await stack.outputs();
      const stored = (await stack.stored()) + output;
      const secrets = {
        ...stack.world.secrets(),
        url: String(outputs.stagingUrl),
        doadmin: production.adminPassword,
      };
      for (const [name, secret] of Object.entries(secrets)) assert.ok(!stored.includes(secret), name);
      for (const password of [new URL(String(outputs.stagingUrl)).password, app.password]) {
        assert.ok(!stored.includes(password));
      }
      assert.match(stored, /shop-staging/);
      assert.match(String(outputs.stagingHost), /^localhost$/);
      assert.equal(outputs.stagingDatabase, 'shop');
      assert.match(String(outputs.nextRun), /^\d{4}-\d\d-\d\dT02:00:00Z$/);
      assert.match(
        String(outputs.workflowUrl),
        /\/local\/shop\/actions\/workflows\/db-backup-restore-do\.yml$/,
      );
      const report = outputs.report as Record<string, unknown>;
      assert.deepEqual(
        [report.outcome, report.exitCode, report.tables, report.rows],
        ['published', 0, 3, 2070],
      );
    },
  },
  {
    title: 'other trusted sources: the list is written, nothing is refreshed',
    async run(stack) {
      const live = await liveDatabase(stack);
      stack.config.trustedSources = [
        { type: 'ip_addr', value: '127.0.0.1' },
        { type: 'tag', value: 'office' },
      ];
      didOnly(await stack.up(), { updated: ['trusted-sources-shop-staging'] });
      assert.deepEqual(await stack.world.rules('shop-staging'), ['ip_addr 127.0.0.1', 'tag office']);
      assert.equal(await liveDatabase(stack), live);
    },
  },
  {
    title: 'another schedule: the workflow is committed, nothing is refreshed',
    async run(stack) {
      stack.config.schedule = '30 4 * * 1';
      didOnly(await stack.up(), { updated: ['refresh-workflow'] });
      assert.match((await fileIn(stack)) ?? '', /cron: '?30 4 \* \* 1/);
      assert.match(String((await stack.outputs()).nextRun), /T04:30:00Z$/);
    },
  },
  ...clusterChange('size', 'db-s-2vcpu-4gb', 'resize'),
  // The provider would replace a cluster for its name, and doesn't for its region.
  ...clusterChange('region', 'ams3', 'migrate'),
  ...clusterChange('version', '17', 'upgrade'),
  {
    title: 'an up that fails in the middle of the refresh leaves staging as it was; the next one goes on',
    async run(stack) {
      const live = await liveDatabase(stack);
      await stack.world.breakCopy();
      stack.config.refreshTrigger = 'again';
      failed(await stack.up(), copyBroke);
      assert.equal(await liveDatabase(stack), live);
      assert.deepEqual((await stack.preview()).replaced, ['refresh-run']);
      await stack.world.mendCopy();
      didOnly(await stack.up(), { replaced: ['refresh-run'] });
      assert.notEqual(await liveDatabase(stack), live);
      await assertRefreshed(stack);
    },
  },
  {
    title: 'another repository, one of another owner, and back: secrets and files move, nothing is refreshed',
    async run(stack) {
      const live = await liveDatabase(stack);
      const stations = ['local/shop', 'local/warehouse', 'elsewhere/shop', 'local/shop'];
      for (const [index, repository] of stations.entries()) {
        const former = stations[index - 1];
        if (former === undefined) continue;
        stack.config.repository = repository;
        succeeded(await stack.up());
        assert.deepEqual((await secretNames(stack, repository)).sort(), everySecret, repository);
        assert.match((await fileIn(stack, repository)) ?? '', /cron:/, repository);
        assert.deepEqual(await secretNames(stack, former), [], former);
        assert.equal(await fileIn(stack, former), undefined, former);
      }
      assert.equal(await liveDatabase(stack), live);
      didOnly(await stack.preview(), {});
    },
  },
  {
    title: 'another name whose refresh fails: the old cluster stays, with its data',
    async run(stack) {
      const { id } = await stack.world.cluster('shop-staging');
      const before = await staging(stack, 'select sum(total) from sales');
      const url = (await stack.outputs()).stagingUrl;
      await stack.world.breakCopy();
      stack.config.stagingCluster = { ...(stack.config.stagingCluster as object), name: 'shop-staging-2' };
      failed(await stack.up(), copyBroke);
      assert.deepEqual(await clusterNames(stack), ['shop-production', 'shop-staging', 'shop-staging-2']);
      assert.equal((await stack.world.cluster('shop-staging')).id, id);
      const { production } = await servers();
      assert.deepEqual(await query(String(url), production.caFile, 'select sum(total) from sales'), before);
    },
  },
  {
    title: 'the next up refreshes the new generation and only then deletes the old one',
    async run(stack) {
      await stack.world.mendCopy();
      await stack.world.requests();
      succeeded(await stack.up());
      assert.deepEqual(await clusterNames(stack), ['shop-production', 'shop-staging-2']);
      assert.deepEqual(await stack.world.rules('shop-staging-2'), ['ip_addr 127.0.0.1', 'tag office']);
      await assertRefreshed(stack);
      didOnly(await stack.preview(), {});
    },
  },
];

/** In place: the same cluster, and the data in it is not refreshed again. */
function clusterChange(key: 'size' | 'region' | 'version', value: string, action: string): readonly Step[] {
  return [
    {
      title: `another ${key} is a change in place`,
      async run(stack) {
        const { id } = await stack.world.cluster('shop-staging');
        const live = await liveDatabase(stack);
        await stack.world.requests();
        stack.config.stagingCluster = { ...(stack.config.stagingCluster as object), [key]: value };
        didOnly(await stack.up(), { updated: ['staging-shop-staging'] });
        const cluster = await stack.world.cluster('shop-staging');
        assert.deepEqual([cluster.id, cluster[key], cluster.status], [id, value, 'online']);
        const writes = (await stack.world.requests()).filter((request) => !request.startsWith('GET '));
        assert.deepEqual(writes, [`PUT /v2/databases/${id}/${action}`]);
        assert.equal(await liveDatabase(stack), live);
      },
    },
  ];
}
