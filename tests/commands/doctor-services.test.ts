import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workflow } from '../../scripts/contract.ts';
import { office, startService } from '../digitalocean/service.ts';
import { startGitHub, token } from '../local/api/emulation.ts';
import { startEngine } from '../support/engine.ts';
import { makeScenario, slowProduction, untilCopying } from '../support/scenario.ts';
import { doctor } from './diagnosis.ts';

test('--fix after a kill -9: the rule of the process that is gone goes, before its time is over', async (t) => {
  await using scenario = await makeScenario(slowProduction);
  const service = await startService(t, scenario);
  await service.save(service.productionId, [office]);
  const flags = ['--open-trusted-sources', 'production', '--runner-address', '203.0.113.7'];
  const engine = await startEngine(service.environment, flags);
  await untilCopying(scenario, engine);
  const busy = await doctor(service.environment, ['--fix']);
  assert.equal(busy.of('leftovers').status, 'ok', 'a living run keeps its rule');
  assert.equal((await service.list(service.productionId)).length, 2);
  engine.kill('SIGKILL');
  await engine.result;
  const fixed = await doctor(service.environment, ['--fix']);
  assert.match(fixed.of('leftovers').found, /removed ip_addr 203\.0\.113\.7/);
  assert.deepEqual(await service.list(service.productionId), ['ip_addr 198.51.100.0/24']);
});

test('a workflow that GitHub has stopped is found where GitHub may be asked', async (t) => {
  await using scenario = await makeScenario();
  const files = { [workflow.path]: 'on: workflow_dispatch\n' };
  const { url, call } = await startGitHub(t, { repositories: [{ owner: 'acme', name: 'shop', files }] });
  const environment = {
    ...scenario.environment,
    GITHUB_API_URL: url,
    GITHUB_TOKEN: token,
    GITHUB_REPOSITORY: 'acme/shop',
  };
  assert.equal((await doctor(environment)).of('schedule').status, 'ok');
  await call('PUT', '/repos/acme/shop/actions/workflows/db-backup-restore-do.yml/disable');
  const { of } = await doctor(environment);
  assert.equal(of('schedule').status, 'warning');
  assert.match(of('schedule').repair ?? '', /Enable workflow/);
});
