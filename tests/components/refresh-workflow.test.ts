import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RefreshWorkflowArgs } from '../../components/refresh-workflow.ts';
import { refreshWorkflowArgs as args } from './component-args.ts';
import { mockPulumi, plain, settled } from './mocks.ts';

const registered = mockPulumi();
const { RefreshWorkflow } = await import('../../components/refresh-workflow.ts');

test('workflow, engine, policy and its SQL files go to the default branch', async () => {
  const component = new RefreshWorkflow('refresh-workflow', args, {});
  assert.equal(
    await settled(component.url),
    'https://github.com/example/shop/actions/workflows/db-backup-restore-do.yml',
  );
  const files = registered.filter(({ type }) => type === 'github:index/repositoryFile:RepositoryFile');
  assert.deepEqual(
    files.map(({ inputs }) => inputs.file),
    [
      '.github/staging-refresh/refresh.mjs',
      '.github/staging-refresh/refresh.policy.yaml',
      '.github/staging-refresh/sql/a.sql',
      '.github/staging-refresh/sql/a-sql',
      '.github/workflows/db-backup-restore-do.yml',
    ],
  );
  for (const { name, inputs } of files) {
    assert.ok(name.startsWith('refresh-workflow'));
    assert.equal(inputs.repository, 'shop');
    assert.equal(inputs.branch, 'trunk');
    assert.equal(inputs.overwriteOnCreate, true);
  }
  assert.equal(new Set(files.map(({ name }) => name)).size, files.length, 'paths that look alike stay apart');
});

test('the workflow finds the policy beside the engine, and a client that is new enough', async () => {
  const text = await workflowOf('beside', args);
  assert.match(text, /--owner app --policy \.github\/staging-refresh\/refresh\.policy\.yaml/);
  assert.match(text, /postgresql-client-17/, 'production runs 16, and the engine wants 17 at least');
  assert.match(await workflowOf('newer', { ...args, postgresqlVersion: '18' }), /postgresql-client-18/);
  const ahead = { ...args, staging: { version: '18' } };
  assert.match(await workflowOf('ahead', ahead), /postgresql-client-18/, 'the copy is read, too');
});

test('without a policy there is no file, and no flag unless it was said', async () => {
  const text = await workflowOf('none', { ...args, policy: { path: undefined, files: [], hash: '' } });
  assert.doesNotMatch(text, /--policy/);
  assert.equal(registered.filter(({ name }) => name.startsWith('none-policy')).length, 0);
  const said = await workflowOf('said', { ...args, policy: { path: 'none', files: [], hash: '' } });
  assert.match(said, /--policy none/);
});

async function workflowOf(name: string, workflowArgs: RefreshWorkflowArgs): Promise<string> {
  await settled(new RefreshWorkflow(name, workflowArgs, {}).url);
  const file = registered.find(
    (resource) => resource.name === name && resource.type.includes('repositoryFile'),
  );
  return String(plain(file?.inputs.content));
}
