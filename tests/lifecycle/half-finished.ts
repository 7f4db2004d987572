import assert from 'node:assert/strict';
import { commandsOf } from './page.ts';
import type { LifecycleStack } from './stack.ts';
import {
  assertRefreshed,
  clusterNames,
  copyBroke,
  didOnly,
  failed,
  fileIn,
  liveDatabase,
  real,
  type Step,
  secretNames,
  staging,
  succeeded,
} from './story.ts';

/** An `up` that ends in the middle, and what `destroy` and the next `up` make of it. */
export const halfFinished: readonly Step[] = [
  {
    title: 'destroy after a first up that failed in the refresh leaves nothing but production',
    needs: 'more time than npm test has',
    async run(stack) {
      await stack.world.breakCopy();
      failed(await stack.up(), copyBroke);
      assert.deepEqual(await clusterNames(stack), ['shop-production', 'shop-staging']);
      succeeded(await stack.destroy());
      await assertGone(stack);
    },
  },
  {
    title: 'the up after a first one that failed in the refresh makes the rest and refreshes',
    async run(stack) {
      await stack.world.breakCopy();
      failed(await stack.up(), copyBroke);
      const { id } = await stack.world.cluster('shop-staging');
      await stack.world.mendCopy();
      const { updated, replaced, deleted } = succeeded(await stack.up());
      assert.deepEqual([updated, replaced, deleted], [[], [], []]);
      assert.equal((await stack.world.cluster('shop-staging')).id, id);
      await assertRefreshed(stack);
      didOnly(await stack.preview(), {});
    },
  },
  {
    title: 'Ctrl-C in the refresh: it gives up and cleans up, and the next up refreshes',
    needs: 'the real provider',
    async run(stack) {
      const live = await liveDatabase(stack);
      await stack.world.slowCopy();
      stack.config.refreshTrigger = 'interrupted';
      const left = `select 1 from pg_database where datname like '%\\_\\_next\\_%'`;
      const copying = async () => (await staging(stack, left)).length > 0;
      const { output } = failed(await real(stack).upUntil(copying, 'SIGINT'), /staging is as it was/);
      assert.doesNotMatch(output, /is refreshed:/);
      assert.equal(await liveDatabase(stack), live);
      assert.equal(await copying(), false, 'what was begun is dropped');
      await stack.world.mendCopy();
      didOnly(await stack.up(), { replaced: ['refresh-run'] });
      assert.notEqual(await liveDatabase(stack), live);
    },
  },
  {
    title: 'destroy after a change of name that failed in the refresh takes both generations away',
    async run(stack) {
      await stack.world.breakCopy();
      const { stagingCluster } = stack.config;
      stack.config.stagingCluster = { name: 'shop-staging-2', database: 'shop', user: 'app' };
      failed(await stack.up(), copyBroke);
      assert.equal((await clusterNames(stack)).length, 3);
      succeeded(await stack.destroy());
      await assertGone(stack);
      await stack.world.mendCopy();
      stack.config.stagingCluster = stagingCluster ?? {};
    },
  },
  {
    title: 'a change of name that failed is given up: the new cluster goes, the old one is as it was',
    needs: 'more time than npm test has',
    async run(stack) {
      succeeded(await stack.up());
      const { id } = await stack.world.cluster('shop-staging');
      const live = await liveDatabase(stack);
      const { stagingCluster } = stack.config;
      await stack.world.breakCopy();
      stack.config.stagingCluster = { name: 'shop-staging-2', database: 'shop', user: 'app' };
      failed(await stack.up(), copyBroke);
      stack.config.stagingCluster = stagingCluster ?? {};
      succeeded(await stack.up());
      await stack.world.mendCopy();
      assert.deepEqual(await clusterNames(stack), ['shop-production', 'shop-staging']);
      assert.equal((await stack.world.cluster('shop-staging')).id, id);
      assert.equal(await liveDatabase(stack), live);
      didOnly(await stack.preview(), {});
      succeeded(await stack.destroy());
    },
  },
  {
    title: 'Ctrl-C while the cluster is made: it is waited for and kept, and the next up goes on',
    needs: 'the real provider',
    async run(stack) {
      const made = async () => (await clusterNames(stack)).includes('shop-staging');
      assert.equal((await real(stack).upUntil(made, 'SIGINT')).succeeded, false);
      const { id } = await stack.world.cluster('shop-staging');
      assert.ok((await stack.stored()).includes(String(id)), 'the cluster is in the state');
      succeeded(await stack.up());
      assert.equal((await stack.world.cluster('shop-staging')).id, id);
      await assertRefreshed(stack);
      succeeded(await stack.destroy());
    },
  },
  {
    title:
      'a machine that dies in up leaves a lock: the page’s commands take it away, and take the cluster in',
    needs: 'the real provider',
    async run(stack) {
      const made = async () => (await clusterNames(stack)).includes('shop-staging');
      assert.equal((await real(stack).upUntil(made, 'SIGKILL')).succeeded, false);
      failed(await stack.up(), /the stack is currently locked/);
      const [cancel = ''] = commandsOf('docs/runbook.md', 'State: `pulumi` itself died');
      assert.match(await stack.stored(), /"pending_operations": \[/);
      const cancelled = await real(stack).shell(cancel);
      assert.ok(cancelled.succeeded, cancelled.output);
      assert.doesNotMatch(await stack.stored(), /"pending_operations": \[/);
      const [takeIn = ''] = commandsOf('docs/runbook.md', 'State: a cluster that is in no state');
      const { id } = await stack.world.cluster('shop-staging');
      const taken = await real(stack).shell(`CLUSTER_NAME=shop-staging CLUSTER_ID=${id}\n${takeIn}`);
      assert.ok(taken.succeeded, taken.output);
      assert.doesNotMatch(taken.output, /pending operations/);
      assert.equal((await stack.world.cluster('shop-staging')).id, id);
      await assertRefreshed(stack);
      didOnly(await stack.preview(), {});
      succeeded(await stack.destroy());
      await assertGone(stack);
    },
  },
  {
    title: 'a machine that dies, whose cluster is deleted by hand: the page’s commands begin anew',
    needs: 'the real provider',
    async run(stack) {
      const made = async () => (await clusterNames(stack)).includes('shop-staging');
      assert.equal((await real(stack).upUntil(made, 'SIGKILL')).succeeded, false);
      const [cancel = ''] = commandsOf('docs/runbook.md', 'State: `pulumi` itself died');
      assert.ok((await real(stack).shell(cancel)).succeeded);
      const { id } = await stack.world.cluster('shop-staging');
      await stack.world.ocean.delete(`/v2/databases/${id}`);
      assert.doesNotMatch(succeeded(await stack.up()).output, /pending operations/);
      await assertRefreshed(stack);
      succeeded(await stack.destroy());
    },
  },
  {
    title: 'a cluster whose making could not be watched is nobody’s: pulumi import takes it in',
    needs: 'the real provider',
    async run(stack) {
      await stack.world.fault('ocean', {
        ...duringTheWait,
        kind: 'status',
        status: 403,
        body: { message: 'no' },
      });
      failed(await stack.up(), /403/);
      const { id } = await stack.world.cluster('shop-staging');
      assert.ok(!(await stack.stored()).includes(`"id": "${id}"`));
      failed(await stack.up(), /name is not available/);
      const [script = ''] = commandsOf('docs/runbook.md', 'State: a cluster that is in no state');
      const taken = await real(stack).shell(`CLUSTER_NAME=shop-staging CLUSTER_ID=${id}\n${script}`);
      assert.ok(taken.succeeded, taken.output);
      assert.equal((await stack.world.cluster('shop-staging')).id, id);
      await assertRefreshed(stack);
      didOnly(await stack.preview(), {});
    },
  },
  {
    title:
      'five broken connections during the wait end the provider; deleting the cluster by hand repairs it',
    needs: 'the real provider',
    async run(stack) {
      succeeded(await stack.destroy());
      await stack.world.fault('ocean', { ...duringTheWait, kind: 'reset', times: 5 });
      assert.equal((await stack.up()).succeeded, false);
      failed(await stack.up(), /name is not available/);
      const { id } = await stack.world.cluster('shop-staging');
      await stack.world.ocean.delete(`/v2/databases/${id}`);
      succeeded(await stack.up());
      await assertRefreshed(stack);
    },
  },
  {
    title:
      'lost answers: a secret and a file are written in the end, a cluster’s order leaves one that is nobody’s',
    needs: 'the real provider',
    async run(stack) {
      succeeded(await stack.destroy());
      const lost = { when: 'after', kind: 'reset' };
      await stack.world.fault('hub', { ...lost, method: 'PUT', path: 'secrets/DO_API_TOKEN' });
      await stack.world.fault('hub', { ...lost, method: 'PUT', path: 'contents/.*refresh\\.mjs' });
      const order = { method: 'POST', path: '^/v2/databases$' };
      // The cluster's refusal ends the run: by then GitHub's writes, one after the other, must have come to the file.
      await stack.world.fault('ocean', { ...order, kind: 'delay', seconds: 15 });
      await stack.world.fault('ocean', { ...order, ...lost });
      const { output } = failed(await stack.up(), /name is not available/);
      assert.match(output, /refresh\.mjs: 422/);
      assert.doesNotMatch(output, /secrets\/DO_API_TOKEN: /);
      const { id } = await stack.world.cluster('shop-staging');
      await stack.world.ocean.delete(`/v2/databases/${id}`);
      succeeded(await stack.up());
      assert.match((await fileIn(stack)) ?? '', /cron:/);
      await assertRefreshed(stack);
    },
  },
  {
    title: 'rate limits and a broken answer now and then are waited out',
    needs: 'the real provider',
    async run(stack) {
      succeeded(await stack.destroy());
      const limit = {
        kind: 'status',
        status: 429,
        headers: { 'retry-after': '1' },
        body: { message: 'slow down' },
      };
      await stack.world.fault('ocean', { ...limit, method: 'POST', path: '^/v2/databases$' });
      await stack.world.fault('ocean', { ...duringTheWait, kind: 'reset' });
      await stack.world.fault('ocean', { ...duringTheWait, kind: 'status', status: 503 });
      await stack.world.fault('ocean', { method: 'PUT', path: '/firewall$', kind: 'delay', seconds: 2 });
      await stack.world.fault('hub', { method: 'PUT', path: 'secrets/', kind: 'status', status: 502 });
      succeeded(await stack.up());
      await assertRefreshed(stack);
      succeeded(await stack.destroy());
      await assertGone(stack);
    },
  },
];

/** The provider's polls, every 15 seconds. */
const duringTheWait = { method: 'GET', path: '^/v2/databases/[0-9a-f-]{36}$' };

async function assertGone(stack: LifecycleStack): Promise<void> {
  assert.deepEqual(await clusterNames(stack), ['shop-production']);
  assert.deepEqual(await secretNames(stack), []);
  assert.equal(await fileIn(stack), undefined);
}
