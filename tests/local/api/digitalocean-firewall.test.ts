import assert from 'node:assert/strict';
import { test } from 'node:test';
import { production, startDigitalOcean } from './emulation.ts';

const path = `/v2/databases/${production.id}/firewall`;

/** A rule as the provider writes it. */
function providerRule(type: string, value: string, uuid = ''): Record<string, string> {
  return { uuid, cluster_uuid: '', type, value, created_at: '0001-01-01T00:00:00Z' };
}

test('a list replaces the list: known rules keep their uuid and time, new ones get them', async (t) => {
  const { call } = await startDigitalOcean(t);
  assert.deepEqual((await call('GET', path)).body, { rules: [] });
  const put = await call('PUT', path, { body: { rules: [providerRule('ip_addr', '203.0.113.7')] } });
  assert.deepEqual([put.status, put.body], [204, undefined]);
  const [first] = (await call('GET', path)).body.rules;
  assert.equal(first.cluster_uuid, production.id);
  assert.notEqual(first.created_at, '0001-01-01T00:00:00Z');
  await call('PUT', path, {
    body: { rules: [providerRule('tag', 'staging'), providerRule('ip_addr', '203.0.113.7', first.uuid)] },
  });
  const [tag, kept] = (await call('GET', path)).body.rules;
  assert.deepEqual(kept, first);
  assert.match(tag.uuid, /^[0-9a-f-]{36}$/);
  assert.notEqual(tag.uuid, first.uuid);
});

test('a description is kept, and wiped by a list that does not bring it along', async (t) => {
  const { call } = await startDigitalOcean(t);
  await call('PUT', path, {
    body: { rules: [{ type: 'ip_addr', value: '203.0.113.7', description: 'the office' }] },
  });
  const [rule] = (await call('GET', path)).body.rules;
  assert.equal(rule.description, 'the office');
  await call('PUT', path, { body: { rules: [rule] } });
  assert.equal((await call('GET', path)).body.rules[0].description, 'the office');
  await call('PUT', path, { body: { rules: [providerRule('ip_addr', '203.0.113.7', rule.uuid)] } });
  const [wiped] = (await call('GET', path)).body.rules;
  assert.equal('description' in wiped, false);
  assert.equal(wiped.uuid, rule.uuid);
});

test('every kind of trusted source', async (t) => {
  const { call } = await startDigitalOcean(t);
  const rules = [
    ['ip_addr', '203.0.113.7'],
    ['ip_addr', '203.0.113.0/24'],
    ['droplet', '163973392'],
    ['k8s', 'ff2a6c52-5a44-4b63-b99c-0e98e7a63d61'],
    ['app', 'ff2a6c52-5a44-4b63-b99c-0e98e7a63d62'],
    ['tag', 'backend'],
  ].map(([type, value]) => ({ type, value }));
  assert.equal((await call('PUT', path, { body: { rules } })).status, 204);
  const shown = (await call('GET', path)).body.rules;
  assert.deepEqual(
    shown.map(({ type, value }: Record<string, string>) => ({ type, value })),
    rules,
  );
});

test('a refused list changes nothing', async (t) => {
  const { call } = await startDigitalOcean(t);
  await call('PUT', path, { body: { rules: [{ type: 'tag', value: 'backend' }] } });
  const before = (await call('GET', path)).body;
  const refusals: readonly [string, unknown, RegExp][] = [
    ['IPv6', [{ type: 'ip_addr', value: '2001:db8::1' }], /IPv6 addresses are not supported/],
    ['an IPv6 range', [{ type: 'ip_addr', value: '2001:db8::/32' }], /IPv6 addresses are not supported/],
    ['no address', [{ type: 'ip_addr', value: '203.0.113' }], /invalid firewall rule ip_addr/],
    ['too wide a mask', [{ type: 'ip_addr', value: '203.0.113.0/33' }], /invalid firewall rule ip_addr/],
    ['a droplet by name', [{ type: 'droplet', value: 'web-1' }], /invalid firewall rule droplet/],
    ['a cluster by name', [{ type: 'k8s', value: 'my-cluster' }], /invalid firewall rule k8s/],
    ['an empty value', [{ type: 'tag', value: '' }], /invalid firewall rule value/],
    ['another type', [{ type: 'cidr', value: '203.0.113.0/24' }], /invalid firewall rule type/],
    ['a bad uuid', [{ type: 'tag', value: 'x', uuid: 'mine' }], /invalid uuid/],
    [
      '101 rules',
      Array.from({ length: 101 }, (_, n) => ({ type: 'ip_addr', value: `10.0.0.${n}` })),
      /100 rules/,
    ],
    ['no list', undefined, /rules/],
  ];
  for (const [what, rules, message] of refusals) {
    const reply = await call('PUT', path, { body: { rules } });
    assert.equal(reply.status, 422, what);
    assert.match(reply.body.message, message, what);
    assert.deepEqual((await call('GET', path)).body, before, what);
  }
  const hundred = Array.from({ length: 100 }, (_, n) => ({ type: 'ip_addr', value: `10.0.0.${n}` }));
  assert.equal((await call('PUT', path, { body: { rules: hundred } })).status, 204);
});
