import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parsePolicy } from '../../scripts/policy/policy-file.ts';
import { policyFlags } from '../support/policy.ts';
import { engineEnvironment, freshDatabase, sampleDatabase, servers } from '../support/servers.ts';

const launcher = fileURLToPath(new URL('../../scripts/launcher.js', import.meta.url));
const policyFile = fileURLToPath(new URL('../../refresh.policy.yaml', import.meta.url));

function policy(environment: Record<string, string>, ...args: string[]) {
  return spawnSync(process.execPath, [launcher, 'policy', ...args], { env: environment, encoding: 'utf8' });
}

test('suggest writes a policy that passes check; check finds what is not decided and annotates it', async () => {
  const { staging } = await servers();
  const environment = await engineEnvironment({
    productionDatabase: (await sampleDatabase()).name,
    stagingDatabase: (await freshDatabase(staging)).name,
  });
  const suggested = policy(environment, 'suggest');
  assert.equal(suggested.status, 0, suggested.stderr);
  assert.match(suggested.stdout, / {2}public\.contacts:\n {4}mask:\n/);
  assert.match(suggested.stdout, / {6}email: email +# e-mail address/);
  assert.doesNotThrow(() => parsePolicy(suggested.stdout, 'suggested'));
  const [, file] = await policyFlags(suggested.stdout);
  const checked = policy(environment, 'check', '--policy', file);
  assert.equal(checked.status, 0, checked.stderr);
  assert.equal(policy(environment, 'check', '--policy', policyFile).status, 0);
  // Not the form alone: production computes every suggested mask.
  const plan = spawnSync(process.execPath, [launcher, 'plan', '--policy', file], {
    env: { ...environment, REFRESH_MASK_KEY: 'k'.repeat(32) },
    encoding: 'utf8',
  });
  assert.equal(plan.status, 0, plan.stderr);

  const [, half] = await policyFlags('version: 1\ntables:\n  public.contacts: { mask: { emial: email } }\n');
  const found = policy({ ...environment, GITHUB_ACTIONS: 'true' }, 'check', '--policy', half);
  assert.equal(found.status, 2);
  assert.match(found.stdout, /^::error file=.*,line=3::.*did you mean email\?$/m);
  assert.match(found.stdout, /^::error file=.*::public\.contacts\.email looks like personal data/m);
});
