import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ErrorCode, formatError, RefreshError } from '../../scripts/model/errors.ts';
import { classify, codeOf } from '../../scripts/postgres/failure.ts';
import { programFailure } from '../../scripts/postgres/known-failures.ts';
import { classifyLogin } from '../../scripts/postgres/login-failure.ts';
import { runTool } from '../../scripts/postgres/server-tools.ts';

/** An error as `pg` and Node make them. */
function failure(message: string, details: Record<string, unknown> = {}): Error {
  return Object.assign(new Error(message), details);
}

test('what servers, sockets and TLS report gets its code and a hint', () => {
  const cases: [ErrorCode, Error][] = [
    ['login-refused', failure('password authentication failed for user "u"', { code: '28P01' })],
    ['login-refused', failure('no pg_hba.conf entry for host', { code: '28000' })],
    ['database-missing', failure('database "x" does not exist', { code: '3D000' })],
    ['too-many-connections', failure('remaining connection slots are reserved', { code: '53300' })],
    ['not-permitted', failure('permission denied for table t', { code: '42501' })],
    ['disk-full', failure('could not extend file: No space left on device', { code: '53100' })],
    ['locks-insufficient', failure('out of shared memory', { code: '53200' })],
    ['table-locked', failure('canceling statement due to lock timeout', { code: '55P03' })],
    ['connection-lost', failure('terminating connection due to administrator command', { code: '57P01' })],
    ['connection-lost', failure('terminating connection because of crash', { code: '57P02' })],
    ['host-unreachable', failure('the database system is starting up', { code: '57P03' })],
    ['recovery-conflict', failure('canceling statement due to conflict with recovery', { code: '40001' })],
    ['recovery-conflict', failure('terminating connection due to conflict with recovery', { code: '40001' })],
    ['statement-failed', failure('out of memory', { code: '53200' })],
    ['too-many-connections', failure('too many connections for role "reader"', { code: '53300' })],
    ['host-unreachable', failure('connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED' })],
    ['host-unreachable', failure('getaddrinfo ENOTFOUND db', { code: 'ENOTFOUND' })],
    ['host-unreachable', failure('connect ETIMEDOUT', { code: 'ETIMEDOUT' })],
    ['host-unreachable', failure('timeout expired')],
    ['connection-lost', failure('terminating connection due to transaction timeout', { code: '25P04' })],
    [
      'connection-lost',
      failure('terminating connection due to idle-in-transaction timeout', { code: '25P03' }),
    ],
    ['connection-lost', failure('read ECONNRESET', { code: 'ECONNRESET' })],
    ['connection-lost', failure('write EPIPE', { code: 'EPIPE' })],
    ['connection-lost', failure('Connection terminated unexpectedly')],
    ['connection-lost', failure('Client has encountered a connection error and is not queryable')],
    ['tls-refused', failure('The server does not support SSL connections')],
    [
      'tls-refused',
      failure('self-signed certificate in certificate chain', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }),
    ],
    [
      'tls-refused',
      failure('unable to verify the first certificate', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }),
    ],
    [
      'tls-refused',
      failure('unable to get local issuer certificate', { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' }),
    ],
    [
      'tls-refused',
      failure(`Hostname/IP does not match certificate's altnames`, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
    ],
    ['tls-refused', failure('certificate has expired', { code: 'CERT_HAS_EXPIRED' })],
  ];
  for (const [code, cause] of cases) {
    const error = classify(cause, 'staging h:5432/d');
    assert.equal(error.code, code, cause.message);
    assert.equal(error.object, 'staging h:5432/d');
    assert.equal(error.cause, cause);
    assert.ok(error.hint, cause.message);
  }
});

test('what a program of PostgreSQL prints gets the code that the same trouble has elsewhere', () => {
  const cases: [ErrorCode | undefined, string][] = [
    [
      'recovery-conflict',
      'pg_dump: error: query failed: ERROR:  canceling statement due to conflict with recovery',
    ],
    ['locks-insufficient', 'pg_dump: error: query failed: ERROR:  out of shared memory'],
    [
      'too-many-connections',
      'pg_dump: error: connection to server at "h", port 1 failed: FATAL:  sorry, too many clients already',
    ],
    [
      'too-many-connections',
      'FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute',
    ],
    [
      'disk-full',
      'pg_restore: error: could not execute query: ERROR:  could not extend file "base/1": No space left on device',
    ],
    ['disk-full', 'pg_dump: error: could not write to output file: No space left on device'],
    ['table-locked', 'pg_dump: error: query failed: ERROR:  canceling statement due to lock timeout'],
    ['connection-lost', 'pg_restore: error: server closed the connection unexpectedly'],
    ['host-unreachable', 'pg_dump: error: connection to server at "h", port 1 failed: Connection refused'],
    [undefined, 'pg_restore: error: could not execute query: ERROR:  syntax error at or near "x"'],
  ];
  for (const [code, stderr] of cases) assert.equal(programFailure(stderr)?.code, code, stderr);
});

test('what a program says is told but for the rows that its server quotes', async () => {
  const bindir = await mkdtemp(join(tmpdir(), 'staging-refresh-tools-'));
  const said = [
    'pg_restore: error: could not execute query: ERROR:  could not create unique index "u"',
    'DETAIL:  Key (email)=(anna@example.com) is duplicated.',
    'Command was: ALTER TABLE ONLY t ADD CONSTRAINT u UNIQUE (email);',
  ];
  await writeFile(
    join(bindir, 'pg_restore'),
    `#!/bin/sh\ncat >&2 <<'END'\n${said.join('\n')}\nEND\nexit 1\n`,
    {
      mode: 0o700,
    },
  );
  const tools = { bindir, major: 17, version: '17' };
  const failed = runTool(tools, 'pg_restore', [], { PATH: process.env.PATH ?? '' });
  await assert.rejects(failed, { message: /unique index "u"; Command was: ALTER TABLE ONLY t/ });
  await rm(bindir, { recursive: true });
});

test('an SQLSTATE that says nothing by itself stays a statement’s failure, with its code', () => {
  const error = classify(failure('syntax error', { code: '42601' }), 'index public.i');
  assert.equal(error.code, 'statement-failed');
  assert.match(error.message, /^syntax error \(SQLSTATE 42601\)$/);
});

test('where a COPY failed is told, what the row held is not', () => {
  const error = classify(
    failure('null value in column "email" violates not-null constraint', {
      code: '23502',
      detail: 'Failing row contains (7, anna@example.com, null).',
      where: 'COPY contacts, line 4711, column email: "anna@example.com"',
    }),
    'public.contacts',
  );
  assert.match(error.message, /at COPY contacts, line 4711, column email$/);
  assert.ok(!formatError(error).includes('anna@example.com'));
});

test('values are never told: neither those that the server quotes nor those in the words of a function', () => {
  const cases: [string, string, string][] = [
    ['22003', 'value "4930555" is out of range for type integer', 'value … is out of range for type integer'],
    ['22P02', 'invalid input syntax for type json: "anna "x" y"', 'invalid input syntax for type json'],
    ['22021', 'invalid byte sequence for encoding "UTF8": 0xe4 0x62', 'invalid byte sequence for encoding …'],
    ['P0001', 'no such customer anna', 'what is computed of a row failed; the server’s log has its words'],
    [
      '42P01',
      'relation "anna" does not exist',
      'what is computed of a row failed; the server’s log has its words',
    ],
    ['23505', 'could not create unique index "u"', 'could not create unique index "u"'],
  ];
  for (const [code, message, told] of cases) {
    const error = classify(failure(message, { code }), 'public.t', true);
    assert.equal(error.message.replace(` (SQLSTATE ${code})`, ''), told);
    assert.doesNotMatch(formatError(error), /anna|4930555|0xe4/);
  }
  // RAISE with a code of the server's own: PostgreSQL itself names the constraint, a function whatever it likes.
  for (const code of ['23514', '42501', '22023', '57014']) {
    const raised = classify(failure('anna is no address', { code, file: 'pl_exec.c' }), 'public.t', true);
    assert.equal(
      raised.message,
      `what is computed of a row failed; the server’s log has its words (SQLSTATE ${code})`,
    );
  }
  const inText = failure('column "x" does not exist', { code: '42703', position: '8' });
  assert.match(classify(inText, 'public.t', true).message, /^column "x" does not exist/);
  assert.match(classify(failure('no tenants', { code: 'P0001' }), 'a file').message, /^no tenants/);
});

test('what is classified already stays as it is; what nobody knows is a defect', () => {
  const own = new RefreshError('brake', 'too old a snapshot');
  assert.equal(classify(own, 'x'), own);
  for (const strange of ['text', undefined, null, { code: 7 }, failure('boom')])
    assert.equal(classify(strange, 'x').code, 'unclassified');
});

test('a disk that is full is that of the server that says so', () => {
  const full = failure('could not write to file "base/pgsql_tmp/pgsql_tmp7.0"', { code: '53100' });
  assert.match(classify(full, 'public.t', true, 'staging').hint, /^staging needs room/);
  assert.match(classify(full, 'public.t', true, 'production').hint, /^production’s own disk is full/);
});

test('rows that find no room in a file of this machine', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const { code, hint } = classify(full, 'public.flags');
  assert.equal(code, 'disk-full');
  assert.match(hint, /TMPDIR/);
});

test('an error’s own code is text or nothing', () => {
  assert.equal(codeOf({ code: '28P01' }), '28P01');
  for (const value of [{ code: 7 }, {}, null, undefined, 'x']) assert.equal(codeOf(value), '');
});

test('PgBouncer refuses the first packet, and is told to be a pool', () => {
  for (const what of ['parameter: options', 'parameter in options: statement_timeout']) {
    const said = failure(`unsupported startup ${what}`, { code: '08P01' });
    assert.equal(classifyLogin(said, 'production db:25061/pool').code, 'pooled-connection');
  }
});

test('a server that is older than 14 refuses the first packet, and is told to be too old', () => {
  // As 13.23 says it.
  const said = failure('unrecognized configuration parameter "idle_session_timeout"', { code: '42704' });
  const told = classifyLogin(said, 'production db:25060/app');
  assert.equal(told.code, 'version-unsupported');
  assert.match(formatError(told), /before 14, the oldest that works \(production db:25060\/app\)/);
  const other = failure('unrecognized configuration parameter "my_timeout"', { code: '42704' });
  assert.equal(classifyLogin(other, 'production').code, 'statement-failed');
});
