import assert from 'node:assert/strict';
import { query, servers } from '../support/servers.ts';
import type { LifecycleStack } from './stack.ts';
import { assertRefreshed, clusterNames, staging } from './story.ts';

/** The next treatment fails where it resets a password. */
export async function refuseReset({ world }: LifecycleStack): Promise<void> {
  const no = { kind: 'status', status: 403, body: { message: 'no' } };
  await world.fault('ocean', { ...no, method: 'POST', path: '/reset_auth$' });
}

export async function generations(stack: LifecycleStack): Promise<string[]> {
  const names = (await clusterNames(stack)).filter((name) => name !== 'shop-production');
  for (const name of names) assert.match(name, /^shop-staging-[0-9a-f]{8}$/);
  return names;
}

/** Production's rows, masked, and no password of production's leads to them. */
export async function assertTreated(stack: LifecycleStack): Promise<void> {
  await assertRefreshed(stack);
  assert.deepEqual(await staging(stack, 'select distinct label from items'), [{ label: 'masked' }]);
  const url = new URL(String((await stack.outputs()).stagingUrl));
  const { production, app } = await servers();
  Object.assign(url, { username: app.user, password: app.password });
  await assert.rejects(query(url.href, production.caFile, 'select 1'), /password authentication failed/);
}
