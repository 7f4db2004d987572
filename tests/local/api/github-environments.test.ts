import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGitHub, stoppedClock } from './emulation.ts';

const variables = '/repos/acme/shop/actions/variables';
const staging = '/repos/acme/shop/environments/staging';

test('a variable is created once, changed by another call, and has its dates', async (t) => {
  const clock = stoppedClock('2026-11-22T10:00:00Z');
  const { call } = await startGitHub(t, { now: clock.now });
  const created = await call('POST', variables, { body: { name: 'schedule', value: '0 2 * * 0' } });
  assert.deepEqual([created.status, created.body], [201, {}]);
  const again = await call('POST', variables, { body: { name: 'SCHEDULE', value: 'other' } });
  assert.equal(again.status, 409);
  assert.match(again.body.message, /Already exists/);
  clock.forward(60);
  assert.equal((await call('PATCH', `${variables}/SCHEDULE`, { body: { value: '0 3 * * 0' } })).status, 204);
  assert.deepEqual((await call('GET', `${variables}/SCHEDULE`)).body, {
    name: 'SCHEDULE',
    value: '0 3 * * 0',
    created_at: '2026-11-22T10:00:00Z',
    updated_at: '2026-11-22T10:01:00Z',
  });
  assert.equal((await call('GET', variables)).body.total_count, 1);
  assert.equal((await call('DELETE', `${variables}/SCHEDULE`)).status, 204);
  assert.equal((await call('GET', `${variables}/SCHEDULE`)).status, 404);
  assert.equal((await call('PATCH', `${variables}/SCHEDULE`, { body: { value: '' } })).status, 404);
  assert.equal((await call('DELETE', `${variables}/SCHEDULE`)).status, 404);
  assert.equal((await call('POST', variables, { body: { name: 'GITHUB_X', value: '' } })).status, 422);
  assert.equal((await call('POST', variables, { body: { name: 'X' } })).status, 422);
});

test('an environment is made and changed by the same call; what is left out goes back', async (t) => {
  const { call } = await startGitHub(t);
  assert.equal((await call('GET', staging)).status, 404);
  const asProvider = {
    wait_timer: 0,
    reviewers: null,
    can_admins_bypass: true,
    deployment_branch_policy: null,
    prevent_self_review: false,
  };
  const created = await call('PUT', staging, { body: asProvider });
  assert.equal(created.status, 200);
  assert.deepEqual((await call('GET', staging)).body, created.body);
  assert.equal(created.body.can_admins_bypass, true);
  assert.deepEqual(created.body.protection_rules, []);
  const strict = {
    wait_timer: 30,
    reviewers: [{ type: 'User', id: 7 }],
    can_admins_bypass: false,
    deployment_branch_policy: { protected_branches: true, custom_branch_policies: false },
  };
  const { id, protection_rules, can_admins_bypass } = (await call('PUT', staging, { body: strict })).body;
  assert.equal(id, created.body.id);
  assert.equal(can_admins_bypass, false);
  assert.deepEqual(
    protection_rules.map(({ type }: { type: string }) => type),
    ['wait_timer', 'required_reviewers', 'branch_policy'],
  );
  assert.deepEqual(protection_rules[1].reviewers, [{ type: 'User', reviewer: { id: 7 } }]);
  assert.deepEqual((await call('PUT', staging, { body: {} })).body.protection_rules, []);
  for (const body of [
    { wait_timer: 43_201 },
    { reviewers: [{ type: 'Robot', id: 1 }] },
    { deployment_branch_policy: { protected_branches: true, custom_branch_policies: true } },
  ]) {
    assert.equal((await call('PUT', staging, { body })).status, 422);
  }
  assert.equal((await call('GET', '/repos/acme/shop/environments')).body.total_count, 1);
  assert.equal((await call('DELETE', staging)).status, 204);
  assert.equal((await call('DELETE', staging)).status, 404);
});

test('an environment has variables of its own, and its name may hold a slash', async (t) => {
  const { call } = await startGitHub(t);
  const path = '/repos/acme/shop/environments/eu%2Fstaging';
  assert.equal((await call('PUT', path, { body: {} })).body.name, 'eu/staging');
  assert.equal((await call('POST', `${path}/variables`, { body: { name: 'A', value: '1' } })).status, 201);
  assert.equal((await call('GET', `${path}/variables/A`)).body.value, '1');
  assert.equal((await call('GET', `${variables}/A`)).status, 404);
});
