import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rule } from '../../scripts/digitalocean/answers.ts';
import { DigitalOcean } from '../../scripts/digitalocean/client.ts';
import { changeFirewall, type Edit } from '../../scripts/digitalocean/firewall.ts';
import { closed, opened, readMark, swept } from '../../scripts/digitalocean/rule.ts';
import { RefreshError } from '../../scripts/model/errors.ts';
import { Secret } from '../../scripts/model/secret.ts';
import { type Emulation, production, startDigitalOcean, token } from '../local/api/emulation.ts';

const id = production.id;
const path = `/v2/databases/${id}/firewall`;
const until = new Date('2030-01-01T00:00:00Z');
const office = { type: 'ip_addr', value: '198.51.100.0/24', description: 'the office' };
const ours = '203.0.113.7';
const settleMs = 20;

const open =
  (run: string, address = ours): Edit =>
  (rules) =>
    opened(rules, address, run, until);
const close =
  (run: string, address = ours, uuid?: string): Edit =>
  (rules) =>
    closed(rules, { run, address, uuid, shared: false });

function change(emulation: Emulation, edit: Edit) {
  const api = new DigitalOcean({ url: emulation.url, token: new Secret(token) }, { firstWaitMs: 1 });
  return changeFirewall(api, id, edit, { settleMs });
}

async function list({ call }: Emulation): Promise<Rule[]> {
  return (await call('GET', path)).body.rules;
}

/** What a person does on DigitalOcean's page: the page holds a list, and saving writes all of it. */
async function save({ call }: Emulation, rules: readonly object[]): Promise<void> {
  assert.equal((await call('PUT', path, { body: { rules } })).status, 204);
}

const values = (rules: readonly Rule[]) => rules.map(({ value }) => value).sort();

test('our rule comes and goes, and everybody else’s stay as they are', async (t) => {
  const emulation = await startDigitalOcean(t);
  await save(emulation, [office, { type: 'tag', value: 'backend' }]);
  const before = await list(emulation);
  const { writes, foreign, rules } = await change(emulation, open('run-a'));
  assert.deepEqual([writes, foreign], [1, []]);
  assert.deepEqual(readMark(rules[2] as Rule), { runs: ['run-a'], until });
  assert.deepEqual((await list(emulation)).slice(0, 2), before);
  assert.equal((await change(emulation, open('run-a'))).writes, 0);
  assert.equal((await change(emulation, close('run-a'))).writes, 1);
  assert.deepEqual(await list(emulation), before);
  assert.equal((await change(emulation, close('run-a'))).writes, 0);
});

test('a list that is empty, or would become it, is never written', async (t) => {
  const emulation = await startDigitalOcean(t);
  assert.equal((await change(emulation, open('run-a'))).writes, 0);
  await save(emulation, [office]);
  await change(emulation, open('run-a'));
  const [, mine] = await list(emulation);
  await save(emulation, [mine as Rule]);
  await assert.rejects(change(emulation, close('run-a')), /our rule is the last one/);
  assert.deepEqual(values(await list(emulation)), [ours]);
});

test('two runs and a person race for one list: every rule that should be there is, and no other', async (t) => {
  const emulation = await startDigitalOcean(t);
  await save(emulation, [office]);
  for (let round = 0; round < 8; round++) {
    const page = await list(emulation);
    const added = `192.0.2.${round}`;
    const [a, b] = await Promise.all([
      change(emulation, open('run-a', '203.0.113.1')),
      change(emulation, open('run-b', '203.0.113.2')),
      // Saves the page as it was loaded, without what the runs have added since.
      save(emulation, [...page, { type: 'ip_addr', value: added }]),
    ]);
    const opened = values(await list(emulation));
    assert.ok(opened.includes('203.0.113.1') && opened.includes('203.0.113.2'), opened.join());
    assert.ok(opened.includes(office.value));
    // The person's write may have come between a run's reading and its writing: then a run has noticed.
    if (!opened.includes(added))
      assert.ok([...a.foreign, ...b.foreign].length > 0, 'nobody noticed the lost edit');
    await Promise.all([
      change(emulation, close('run-a', '203.0.113.1')),
      change(emulation, close('run-b', '203.0.113.2')),
    ]);
    const left = values(await list(emulation));
    assert.ok(!left.includes('203.0.113.1') && !left.includes('203.0.113.2'), left.join());
    assert.ok(left.includes(office.value));
  }
});

test('a write between our reading and our writing is noticed by the cluster’s events', async (t) => {
  const emulation = await startDigitalOcean(t);
  await save(emulation, [office]);
  await emulation.call('POST', '/_local/faults', {
    body: { method: 'PUT', path: 'firewall', kind: 'delay', seconds: 0.3 },
  });
  const changing = change(emulation, open('run-a'));
  await untilFaultStruck(emulation);
  await save(emulation, [office, { type: 'ip_addr', value: '192.0.2.1' }]);
  const { foreign } = await changing;
  assert.deepEqual(values(await list(emulation)), [office.value, ours]);
  assert.match(foreign.join(), /their change may have been overwritten/);
});

test('a person who saves an old page after us is repaired and told of', async (t) => {
  const emulation = await startDigitalOcean(t);
  await save(emulation, [office]);
  let saved = false;
  const { foreign, writes } = await change(emulation, (rules) => {
    const wanted = open('run-a')(rules);
    // The list is as we want it: now the old page is saved, before the list is looked at once more.
    if (!wanted && !saved) {
      saved = true;
      savedLater = save(emulation, [office, { type: 'tag', value: 'new' }]);
    }
    return wanted;
  });
  await savedLater;
  assert.equal(writes, 2);
  assert.deepEqual(values(await list(emulation)), [office.value, ours, 'new'].sort());
  assert.deepEqual(foreign, ['somebody else added tag new']);
});
let savedLater: Promise<void> | undefined;

test('a write whose answer is lost, or which never arrived, is looked up and not blindly repeated', async (t) => {
  for (const when of ['before', 'after']) {
    const emulation = await startDigitalOcean(t);
    await save(emulation, [office]);
    await emulation.call('POST', '/_local/faults', {
      body: { method: 'PUT', path: 'firewall', kind: 'reset', when },
    });
    const { rules } = await change(emulation, open('run-a'));
    assert.deepEqual(values(rules), [office.value, ours]);
  }
});

test('two runs from behind one address share a rule, and the last one takes it away', async (t) => {
  const emulation = await startDigitalOcean(t);
  await save(emulation, [office]);
  await change(emulation, open('run-a'));
  await change(emulation, open('run-b'));
  assert.deepEqual(values(await list(emulation)), [office.value, ours]);
  await change(emulation, close('run-a'));
  assert.deepEqual(values(await list(emulation)), [office.value, ours]);
  await change(emulation, close('run-b'));
  assert.deepEqual(values(await list(emulation)), [office.value]);
});

test('a description that Pulumi’s provider has wiped: the rule’s own id still tells it from a stranger’s', async (t) => {
  const emulation = await startDigitalOcean(t);
  await save(emulation, [office]);
  const { rules } = await change(emulation, open('run-a'));
  const uuid = rules[1]?.uuid;
  const wiped = rules.map((rule) => ({
    uuid: rule.uuid,
    type: rule.type,
    value: rule.value,
    cluster_uuid: '',
  }));
  await save(emulation, wiped);
  assert.equal((await change(emulation, close('run-a'))).writes, 0, 'without the id it could be anybody’s');
  assert.equal((await change(emulation, close('run-a', ours, uuid))).writes, 1);
  assert.deepEqual(values(await list(emulation)), [office.value]);
});

test('what runs past their time have left is swept, a living run’s rule is not', async (t) => {
  const emulation = await startDigitalOcean(t);
  await save(emulation, [office]);
  await change(emulation, (rules) => opened(rules, '203.0.113.1', 'dead', new Date('2020-01-01T00:00:00Z')));
  await change(emulation, open('alive', '203.0.113.2'));
  await change(emulation, (rules) => swept(rules, new Date()));
  assert.deepEqual(values(await list(emulation)), [office.value, '203.0.113.2']);
});

test('a full list is refused before anything is written', async (t) => {
  const emulation = await startDigitalOcean(t);
  await save(
    emulation,
    Array.from({ length: 100 }, (_, index) => ({ type: 'ip_addr', value: `192.0.2.${index}` })),
  );
  await assert.rejects(change(emulation, open('run-a')), (error: unknown) => {
    assert(error instanceof RefreshError);
    assert.equal(error.code, 'api-refused');
    return true;
  });
  assert.equal((await list(emulation)).length, 100);
});

async function untilFaultStruck({ call }: Emulation): Promise<void> {
  for (;;) {
    if ((await call('GET', '/_local/faults')).body.faults.length === 0) return;
  }
}
