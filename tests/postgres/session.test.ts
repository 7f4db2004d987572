import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { type IssuedCertificate, openAuthority } from '../../scripts/local/certificates.ts';
import { parseConnectionUrl, type ServerAddress } from '../../scripts/model/server-address.ts';
import type { Side } from '../../scripts/model/servers.ts';
import { announcedPid } from '../../scripts/postgres/pg-client.ts';
import { libpqEnvironment } from '../../scripts/postgres/server-tools.ts';
import { openSession, type SessionOptions } from '../../scripts/postgres/session.ts';
import { engineEnvironment, servers, testFolder } from '../support/servers.ts';

const options: SessionOptions = { side: 'staging', applicationName: 'session test' };

/** The real servers' addresses, of a database that is always there. */
async function address(side: Side): Promise<ServerAddress> {
  const environment = await engineEnvironment({
    productionDatabase: 'postgres',
    stagingDatabase: 'postgres',
  });
  const variable = side === 'production' ? 'PRODUCTION_DB' : 'STAGING_DB';
  return parseConnectionUrl(environment[`${variable}_URL`] ?? '', variable, environment[`${variable}_CA`]);
}

test('limits made for people are off, row level security is an error, and text means the same', async () => {
  await using session = await openSession(await address('staging'), options);
  const settings = await session.rows<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name = any ($1) order by name`,
    [
      [
        'statement_timeout',
        'transaction_timeout',
        'idle_session_timeout',
        'idle_in_transaction_session_timeout',
        'row_security',
        'DateStyle',
        'client_encoding',
        'extra_float_digits',
        'default_transaction_read_only',
        'application_name',
      ],
    ],
  );
  assert.deepEqual(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
    DateStyle: 'ISO, MDY',
    application_name: 'session test',
    client_encoding: 'UTF8',
    default_transaction_read_only: 'off',
    extra_float_digits: '3',
    idle_in_transaction_session_timeout: '0',
    idle_session_timeout: '0',
    row_security: 'off',
    statement_timeout: '0',
    transaction_timeout: '0',
  });
});

test('a session on production can’t write, whatever its role may do', async () => {
  const { production } = await servers();
  const asSuperuser = await address('production').then((reader) => ({
    ...reader,
    user: production.superuser,
    password: { ...reader.password, reveal: () => production.superuserPassword } as ServerAddress['password'],
  }));
  await using session = await openSession(asSuperuser, { ...options, side: 'production' });
  await assert.rejects(session.run('create table written (id int)'), {
    code: 'statement-failed',
    message: /read-only transaction/,
  });
});

test('a statement’s failure names what it was about and keeps its cause', async () => {
  await using session = await openSession(await address('staging'), options);
  await assert.rejects(session.rows('select * from no_such_table', [], 'the object'), {
    code: 'statement-failed',
    object: 'the object',
    message: /SQLSTATE 42P01/,
  });
  const { one } = await session.row<{ one: number }>('select 1 as one');
  assert.equal(one, 1, 'the session lives on');
});

test('an abort cuts a statement that runs', async () => {
  const controller = new AbortController();
  await using session = await openSession(await address('staging'), {
    ...options,
    signal: controller.signal,
  });
  const lost: Error[] = [];
  session.onLost((error) => lost.push(error));
  const sleeping = assert.rejects(session.run('select pg_sleep(60)'), { code: 'connection-lost' });
  controller.abort();
  await sleeping;
  assert.equal(lost.length, 1);
  await assert.rejects(openSession(await address('staging'), { ...options, signal: controller.signal }));
});

test('a session that the server ends in the middle of a statement is lost for the reason that the server gave', async () => {
  await using session = await openSession(await address('staging'), options);
  await using other = await openSession(await address('staging'), options);
  const lost = new Promise<Error>((resolve) => session.onLost(resolve));
  const running = assert.rejects(session.run('select pg_sleep(60)'), { code: 'connection-lost' });
  await other.rows('select pg_terminate_backend($1)', [announcedPid(session.client)]);
  await running;
  assert.match((await lost).message, /terminating connection due to administrator command/);
});

test('a session that is closed is not lost', async () => {
  const session = await openSession(await address('staging'), options);
  const lost: Error[] = [];
  session.onLost((error) => lost.push(error));
  await session.close();
  await session.close();
  await new Promise((later) => setImmediate(later));
  assert.deepEqual(lost, []);
});

test('a server that offers no TLS, another host’s certificate, or no PostgreSQL is refused', async (t) => {
  const real = await address('staging');
  const authority = await openAuthority(join(await testFolder(), 'elsewhere'));
  const { certificatePem, keyPem } = await authority.issue('db.elsewhere.example');
  const expired = await expiredCertificate('127.0.0.2');
  const cases: [string, string, (server: Server) => void][] = [
    [
      'no TLS',
      'tls-refused',
      (server) => server.on('connection', (socket) => socket.once('data', () => socket.write('N'))),
    ],
    ['another host’s certificate', 'tls-refused', speakTls({ certificatePem, keyPem })],
    ['an expired certificate', 'tls-refused', speakTls(expired)],
    [
      'a connection that is closed at once',
      'connection-lost',
      (server) => server.on('connection', (socket) => socket.destroy()),
    ],
  ];
  for (const [name, code, behave] of cases) {
    await t.test(name, async () => {
      const server = createServer();
      behave(server);
      server.listen(0, '127.0.0.2');
      await once(server, 'listening');
      try {
        const bound = server.address();
        assert(bound !== null && typeof bound === 'object');
        // An address that no certificate of that authority holds.
        const ca = name === 'an expired certificate' ? expired.certificatePem : authority.caPem;
        const there = { ...real, host: '127.0.0.2', port: bound.port, ca };
        await assert.rejects(openSession(there, options), { code });
      } finally {
        server.close();
      }
    });
  }
});

/** A server that agrees to TLS and shows this certificate. */
function speakTls({ certificatePem, keyPem }: IssuedCertificate): (server: Server) => void {
  return (server) =>
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('S');
        new TLSSocket(socket, { isServer: true, cert: certificatePem, key: keyPem }).on(
          'error',
          () => undefined,
        );
      });
    });
}

/** Its own authority, for the right address, until yesterday. */
async function expiredCertificate(address: string): Promise<IssuedCertificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const day = 86_400_000;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=expired',
    notBefore: new Date(Date.now() - 10 * day),
    notAfter: new Date(Date.now() - day),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: address }])],
  });
  return {
    certificatePem: certificate.toString('pem'),
    keyPem: PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'),
  };
}

test('a server notices, too, when one of PostgreSQL’s programs is gone', async () => {
  const { production, tools } = await servers();
  const env = libpqEnvironment(await address('production'), production.caFile);
  const settings = ['tcp_keepalives_idle', 'client_connection_check_interval', 'lock_timeout'];
  const shown = await promisify(execFile)(
    join(tools.bindir, 'psql'),
    ['-XAt', ...settings.map((name) => `--command=show ${name}`)],
    { env },
  );
  assert.deepEqual(shown.stdout.trim().split('\n'), ['30', '10s', '0']);
});
