import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closed, coverage, describeMark, opened, readMark } from '../../scripts/digitalocean/rule.ts';

const until = new Date('2026-11-22T08:00:00Z');
const at = (value: string, description?: string) => ({
  type: 'ip_addr',
  value,
  ...(description === undefined ? {} : { description }),
});

test('what covers an address', () => {
  const cases: [string, string, boolean][] = [
    ['203.0.113.7', '203.0.113.7', true],
    ['203.0.113.7/32', '203.0.113.7', true],
    ['203.0.113.0/24', '203.0.113.255', true],
    ['203.0.113.0/24', '203.0.114.0', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['128.0.0.0/1', '200.1.2.3', true],
    ['128.0.0.0/1', '127.1.2.3', false],
    ['203.0.113.70', '203.0.113.7', false],
  ];
  for (const [value, address, expected] of cases) {
    assert.equal(coverage([at(value)], address) !== undefined, expected, `${value} ${address}`);
  }
  assert.equal(coverage([], '203.0.113.7'), 'open to all');
  assert.equal(coverage([{ type: 'tag', value: '203.0.113.7' }], '203.0.113.7'), undefined);
});

test('a mark is read as it was written; a person’s words are none', () => {
  const mark = { runs: ['20261122T020000_1a2b', '20261122T020001_3c4d'], until };
  assert.deepEqual(readMark(at('203.0.113.7', describeMark(mark))), mark);
  for (const description of [
    undefined,
    '',
    'the office',
    'staging-refresh',
    'staging-refresh a until tomorrow',
  ]) {
    assert.equal(readMark(at('203.0.113.7', description)), undefined);
  }
});

test('a rule that a person made for our address is neither taken over nor removed', () => {
  const theirs = [at('203.0.113.7', 'build machine')];
  assert.equal(opened(theirs, '203.0.113.7', 'run', until), undefined);
  assert.equal(
    closed(theirs, { run: 'run', address: '203.0.113.7', uuid: undefined, shared: false }),
    undefined,
  );
});

test('a rule without a description, known by its id, stays while another run on this machine needs it', () => {
  const rules = [at('198.51.100.1'), { ...at('203.0.113.7'), uuid: 'u1' }];
  const remembered = { run: 'run', address: '203.0.113.7', uuid: 'u1' };
  assert.equal(closed(rules, { ...remembered, shared: true }), undefined);
  assert.deepEqual(closed(rules, { ...remembered, shared: false }), [at('198.51.100.1')]);
});
