import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { exitCode } from '../../scripts/contract.ts';
import { asRefreshError, errorRegistry, formatError, RefreshError } from '../../scripts/model/errors.ts';
import { Secret } from '../../scripts/model/secret.ts';

test('every code of the registry has one of the published exit codes, never 0', () => {
  const published = new Set<number>([2, 3, 4, 5, 6, 130]);
  for (const [code, status] of Object.entries(errorRegistry)) {
    assert.ok(published.has(status), code);
    assert.match(code, /^[a-z]+(-[a-z]+)*$/);
  }
  assert.equal(exitCode.ok, 0);
  assert.equal(new RefreshError('same-database', 'x').exitCode, 3);
  assert.equal(new RefreshError('empty-source', 'x').exitCode, 5);
  assert.equal(new RefreshError('interrupted', 'x').exitCode, 130);
  assert.equal(new RefreshError('published-with-failures', 'x').exitCode, 6);
});

test('an operator reads code, message, object, cause and hint', () => {
  const error = new RefreshError('table-locked', 'a table stayed locked', {
    object: 'public.orders',
    hint: 'wait',
    cause: new Error('lock timeout'),
  });
  assert.equal(
    formatError(error),
    'refresh: table-locked: a table stayed locked (public.orders)\nCAUSE: lock timeout\nHINT: wait',
  );
});

test('the object stands where the message has not named it, before a list rather than behind it', () => {
  const said = (message: string) =>
    formatError(new RefreshError('bad-policy', message, { object: 'p.yaml', hint: 'look' })).split(
      '\nHINT',
    )[0];
  assert.equal(said('wrong:\n  a\n  b'), 'refresh: bad-policy: wrong (p.yaml):\n  a\n  b');
  assert.equal(said('p.yaml:3:1: wrong\n  3 | a'), 'refresh: bad-policy: p.yaml:3:1: wrong\n  3 | a');
});

test('a cause that says nothing more is not repeated', () => {
  for (const message of ['lock timeout', 'staging: lock timeout'])
    assert.equal(
      formatError(
        new RefreshError('table-locked', message, { cause: new Error('lock timeout'), hint: 'wait' }),
      ),
      `refresh: table-locked: ${message}\nHINT: wait`,
    );
});

test('an error without a hint of its own points to its section', () => {
  assert.match(
    formatError(new RefreshError('tool-failed', 'x')),
    /\nHINT: docs\/runbook\.md has a section on tool-failed$/,
  );
});

test('what is unknown becomes unclassified and keeps its cause', () => {
  const known = new RefreshError('brake', 'x');
  assert.equal(asRefreshError(known), known);
  const cause = new TypeError('undefined is not a function');
  const error = asRefreshError(cause);
  assert.deepEqual([error.code, error.cause, error.exitCode], ['unclassified', cause, 4]);
  assert.equal(asRefreshError('text').message, 'text');
});

test('a secret shows itself nowhere', () => {
  const secret = new Secret('hunter2');
  const shown = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
  ];
  for (const text of shown) assert.ok(!text.includes('hunter2') && text.includes('[secret]'), text);
  assert.deepEqual(Object.keys(secret), []);
  assert.equal(secret.reveal(), 'hunter2');
});

test('a full disk of this machine is no defect of ours, wherever it is met', () => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    const cause = Object.assign(new Error(`${code}: no space left on device, mkdtemp '/tmp/x'`), {
      code,
      path: '/tmp/x',
    });
    const error = asRefreshError(cause);
    assert.deepEqual([error.code, error.object, error.exitCode], ['disk-full', '/tmp/x', 4]);
    assert.ok(error.hint);
  }
});
