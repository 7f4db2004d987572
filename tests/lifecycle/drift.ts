import assert from 'node:assert/strict';
import { commandsOf } from './page.ts';
import {
  assertRefreshed,
  didOnly,
  editFile,
  failed,
  fileIn,
  liveDatabase,
  overwriteSecret,
  real,
  type Step,
  secretNames,
  secretTime,
  succeeded,
} from './story.ts';

/** Somebody changes by hand what the stack has made. */
export const drift: readonly Step[] = [
  {
    title: 'a stack whose resources somebody changes by hand',
    needs: 'pulumi refresh',
    async run(stack) {
      succeeded(await stack.up());
    },
  },
  {
    title: 'the list of trusted sources, the workflow and a deleted secret: refresh shows it, up repairs it',
    needs: 'pulumi refresh',
    async run(stack) {
      const live = await liveDatabase(stack);
      const { id } = await stack.world.cluster('shop-staging');
      const rules = [{ type: 'ip_addr', value: '198.51.100.9' }];
      await stack.world.ocean.request('PUT', `/v2/databases/${id}/firewall`, { rules });
      await editFile(stack, '# by hand\n');
      await stack.world.hub.delete('/repos/local/shop/actions/secrets/STAGING_DB_CA');

      didOnly(await stack.preview(), {});
      didOnly(await real(stack).refresh(), {
        updated: ['refresh-workflow', 'trusted-sources-shop-staging'],
        deleted: ['repository-secrets-staging-db-ca'],
      });
      didOnly(await stack.up(), {
        created: ['repository-secrets-staging-db-ca'],
        updated: ['refresh-workflow', 'trusted-sources-shop-staging'],
      });

      assert.deepEqual(await stack.world.rules('shop-staging'), ['ip_addr 127.0.0.1']);
      assert.match((await fileIn(stack)) ?? '', /^name: Weekly DB Backup/m);
      assert.ok((await secretNames(stack)).includes('STAGING_DB_CA'));
      assert.equal(await liveDatabase(stack), live);
    },
  },
  {
    title:
      'a file that somebody made larger than GitHub reads back: out of the state, and it is written anew',
    needs: 'pulumi refresh',
    async run(stack) {
      await editFile(stack, `# ${'x'.repeat(1024 * 1024)}\n`);
      const unreadable = /unsupported content encoding: none/;
      assert.match(failed(await real(stack).refresh(), unreadable).output, /refresh-workflow/);
      stack.config.schedule = '0 3 * * 0';
      failed(await stack.up(), /409|unsupported content encoding/);
      const [script = ''] = commandsOf('docs/runbook.md', 'State: somebody changed what the stack made');
      const forgotten = await real(stack).shell(script);
      assert.ok(forgotten.succeeded, forgotten.output);
      assert.match((await fileIn(stack)) ?? '', /cron: '?0 3 \* \* 0/);
      didOnly(await real(stack).refresh(), {});
    },
  },
  {
    title:
      'a secret that somebody overwrote: the provider plans nothing, the stack says so, --replace repairs it',
    needs: 'pulumi refresh',
    async run(stack) {
      await overwriteSecret(stack, 'STAGING_DB_URL');
      const overwritten = await secretTime(stack, 'STAGING_DB_URL');
      const looking = await real(stack).pulumi('preview', '--refresh');
      assert.match(looking.output, /secret STAGING_DB_URL was changed on GitHub/);
      succeeded(await real(stack).refresh());
      const preview = await stack.preview();
      didOnly(preview, {});
      const [, urn] =
        /secret STAGING_DB_URL was changed on GitHub.*--replace '(\S+)'/.exec(preview.output) ?? [];
      assert.ok(urn, preview.output);
      const { succeeded: repaired, output } = await real(stack).pulumi(
        'up',
        '--yes',
        '--skip-preview',
        '--replace',
        urn,
      );
      assert.ok(repaired, output);
      assert.ok((await secretNames(stack)).includes('STAGING_DB_URL'));
      assert.notEqual(await secretTime(stack, 'STAGING_DB_URL'), overwritten);
      assert.doesNotMatch((await stack.preview()).output, /was changed on GitHub/);
    },
  },
  {
    title:
      'a database that somebody deleted: every preview says so, and what it says to do makes and refreshes it',
    needs: 'pulumi refresh',
    async run(stack) {
      const { id } = await stack.world.cluster('shop-staging');
      await stack.world.ocean.delete(`/v2/databases/${id}/dbs/shop`);
      const { output } = succeeded(await stack.preview());
      const [, urn] = /had no database "shop"\..*--replace '(\S+)'/.exec(output) ?? [];
      assert.ok(urn, output);
      const words = ['up', '--yes', '--skip-preview', '--refresh', '--replace', urn];
      const repair = await real(stack).pulumi(...words);
      assert.ok(repair.succeeded, repair.output);
      assert.doesNotMatch(repair.output, /had no database/);
      await assertRefreshed(stack);
      const after = await stack.preview();
      didOnly(after, {});
      assert.doesNotMatch(after.output, /had no/);
    },
  },
  {
    title: 'passwords that DigitalOcean rotated: refresh and up hand them on, and nothing is refreshed',
    needs: 'pulumi refresh',
    async run(stack) {
      const live = await liveDatabase(stack);
      const { id } = await stack.world.cluster('shop-staging');
      for (const user of ['doadmin', 'app']) {
        await stack.world.ocean.request('POST', `/v2/databases/${id}/users/${user}/reset_auth`, {});
      }
      didOnly(await real(stack).refresh(), {});
      didOnly(await stack.up(), { updated: ['refresh-run', 'repository-secrets-staging-db-url'] });
      assert.equal(await liveDatabase(stack), live);
    },
  },
  {
    title: 'a renamed stack: nothing is made again',
    needs: 'pulumi stack rename',
    async run(stack) {
      await real(stack).rename('renamed');
      didOnly(await stack.preview(), {});
      didOnly(await stack.up(), {});
    },
  },
  {
    title: 'a cluster that somebody deleted: up --refresh makes another and refreshes it',
    needs: 'pulumi refresh',
    async run(stack) {
      const { id } = await stack.world.cluster('shop-staging');
      await stack.world.ocean.delete(`/v2/databases/${id}`);
      const { succeeded: made, output } = await real(stack).pulumi(
        'up',
        '--yes',
        '--skip-preview',
        '--refresh',
      );
      assert.ok(made, output);
      assert.notEqual((await stack.world.cluster('shop-staging')).id, id);
      await assertRefreshed(stack);
      didOnly(await stack.preview(), {});
    },
  },
  {
    title:
      'destroy that fails at the cluster: what was in it left the state, and the page’s commands take it in',
    needs: 'the real provider',
    async run(stack) {
      const refused = { kind: 'status', status: 403, body: { message: 'no' } };
      await stack.world.fault('ocean', {
        ...refused,
        method: 'DELETE',
        path: '^/v2/databases/[0-9a-f-]{36}$',
      });
      failed(await stack.destroy(), /403/);
      failed(await stack.up(), /name is not available/);
      const { id } = await stack.world.cluster('shop-staging');
      const [script = ''] = commandsOf('docs/runbook.md', 'State: `pulumi destroy` failed at the cluster');
      const names = `CLUSTER_NAME=shop-staging CLUSTER_ID=${id} DATABASE=shop ROLE=app\n`;
      const taken = await real(stack).shell(names + script);
      assert.ok(taken.succeeded, taken.output);
      assert.equal((await stack.world.cluster('shop-staging')).id, id);
      await assertRefreshed(stack);
      didOnly(await stack.preview(), {});
    },
  },
  {
    title: 'destroy with a thing gone already fails, and destroy --refresh goes through',
    needs: 'the real provider',
    async run(stack) {
      await stack.world.hub.delete('/repos/local/shop/actions/secrets/STAGING_DB_CA');
      const first = await stack.destroy();
      assert.equal(first.succeeded, false, first.output);
      assert.match(first.output, /404/);
      const { succeeded: done, output } = await real(stack).pulumi(
        'destroy',
        '--yes',
        '--skip-preview',
        '--refresh',
      );
      assert.ok(done, output);
      assert.deepEqual(await secretNames(stack), []);
      assert.equal((await stack.world.clusters()).length, 1);
    },
  },
];
