import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workflow } from '../../scripts/contract.ts';
import { query, servers } from '../support/servers.ts';
import { forkRepairs } from './fork-repairs.ts';
import { assertTreated, generations, refuseReset } from './forked.ts';
import { clusterNames, didOnly, failed, fileIn, real, type Step, secretNames, succeeded } from './story.ts';
import { carryOutWeek } from './week.ts';

const policy = `version: 1
unlisted: copy
tables:
  public.items: { treatment: copy, mask: { label: { fixed: masked } } }
`;

/** `strategy: fork`: generations of a cluster, each made from production's backup and treated before it is used. */
export const fork: readonly Step[] = [
  {
    title: 'the first up makes a fork, treats it, and only then opens it to the team',
    async run(stack) {
      await writeFile(join(stack.world.folder, 'refresh.policy.yaml'), policy);
      Object.assign(stack.config, { strategy: 'fork', stagingCluster: { name: 'shop-staging' } });
      await stack.world.requests();
      const { replaced, deleted } = succeeded(await stack.up());
      assert.deepEqual([replaced, deleted], [[], []]);
      const [generation = ''] = await generations(stack);
      const { id } = await stack.world.cluster(generation);
      assert.deepEqual(await stack.world.rules(generation), ['ip_addr 127.0.0.1']);
      const writes = (await stack.world.requests()).filter((request) => !request.startsWith('GET '));
      const [made, closed] = writes.filter((request) => request.includes('/v2/databases'));
      assert.deepEqual([made, closed], ['POST /v2/databases', `PUT /v2/databases/${id}/firewall`]);
      assert.ok(writes.includes(`POST /v2/databases/${id}/users/app/reset_auth`), writes.join('\n'));
      assert.ok(!writes.some((request) => request.includes(stack.world.productionId)));
      await assertTreated(stack);
    },
  },
  {
    title: 'GitHub has staging’s secrets and a workflow that applies the stack, without an engine of its own',
    async run(stack) {
      const names = await secretNames(stack);
      for (const name of ['STAGING_DB_URL', 'STAGING_DB_CA', 'STAGING_DB_CLUSTER_ID'])
        assert.ok(names.includes(name));
      assert.match((await fileIn(stack)) ?? '', /exec pulumi up --yes/);
      const engine = await stack.world.hub.find('/repos/local/shop/contents/.github/staging-refresh');
      assert.equal(engine, undefined);
    },
  },
  {
    title: 'a preview shows no change',
    async run(stack) {
      didOnly(await stack.preview(), {});
    },
  },
  {
    title: 'a treatment that fails leaves the staging in use as it is',
    async run(stack) {
      const [inUse = ''] = await generations(stack);
      const before = await stack.outputs();
      await refuseReset(stack);
      stack.config.refreshTrigger = 'second';
      failed(await stack.up(), /api-refused/);
      assert.deepEqual(await stack.outputs(), before);
      assert.equal((await generations(stack)).length, 2);
      assert.ok((await generations(stack)).includes(inUse));
      await assertTreated(stack);
    },
  },
  {
    title:
      'the next up goes on with the new generation, moves everything to it, and then deletes the old one',
    async run(stack) {
      const former = String((await stack.outputs()).stagingUrl);
      const before = await generations(stack);
      await stack.world.requests();
      succeeded(await stack.up());
      const [generation = '', ...others] = await generations(stack);
      assert.deepEqual(others, []);
      assert.ok(before.includes(generation), 'the one that was begun');
      const { id } = await stack.world.cluster(generation);
      const writes = (await stack.world.requests()).filter((request) => !request.startsWith('GET '));
      const opened = writes.lastIndexOf(`PUT /v2/databases/${id}/firewall`);
      const gone = writes.findIndex((request) => request.startsWith('DELETE /v2/databases/'));
      assert.ok(opened >= 0 && gone > opened, writes.join('\n'));
      await assertTreated(stack);
      const { production } = await servers();
      await assert.rejects(query(former, production.caFile, 'select 1'), 'the old one is gone');
    },
  },
  {
    title: 'whoever applies the stack without that trigger keeps what it has made',
    async run(stack) {
      delete stack.config.refreshTrigger;
      didOnly(await stack.preview(), {});
    },
  },
  ...forkRepairs,
  {
    title:
      'the week’s run, carried out step by step as it was rendered: npm ci, pulumi up, the next generation',
    needs: 'the real provider',
    async run(stack) {
      const { world } = stack;
      const rules = [{ type: 'ip_addr', value: '198.51.100.9' }];
      await world.ocean.request('PUT', `/v2/databases/${world.productionId}/firewall`, { rules });
      stack.config.openProductionTrustedSources = true;
      succeeded(await stack.up());
      const before = await generations(stack);
      const outcome = await carryOutWeek(real(stack));
      assert.equal(outcome.conclusion, 'success', outcome.log);
      const { steps } = outcome.jobs[workflow.job] ?? assert.fail(outcome.log);
      assert.deepEqual(
        steps.filter(({ conclusion }) => conclusion !== 'success'),
        [],
        outcome.log,
      );
      assert.ok(steps.some(({ name }) => name === 'Close Trusted Sources'));
      assert.match(outcome.log, /added to the trusted sources/);
      assert.deepEqual(await world.rules('shop-production'), ['ip_addr 198.51.100.9']);
      for (const secret of Object.values(world.secrets())) assert.ok(!outcome.log.includes(secret));
      assert.deepEqual(
        outcome.artifacts.map(({ name }) => name),
        ['refresh-report-12'],
      );
      assert.match(outcome.jobs[workflow.job]?.summary ?? '', /successfully/);
      const after = await generations(stack);
      assert.deepEqual([after.length, after.some((name) => before.includes(name))], [1, false]);
      await assertTreated(stack);
      didOnly(await stack.preview(), {});
    },
  },
  {
    title: 'destroy takes every generation away and leaves production alone',
    async run(stack) {
      succeeded(await stack.destroy());
      assert.deepEqual(await clusterNames(stack), ['shop-production']);
      assert.deepEqual(await secretNames(stack), []);
      assert.equal(await fileIn(stack), undefined);
    },
  },
];
