import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as dialTls, TLSSocket } from 'node:tls';
import { openAuthority } from '../../scripts/local/certificates.ts';
import type { LocalServer } from '../../scripts/local/local-server.ts';
import { expectFailure } from '../support/engine.ts';
import { leavingStagingAlone, makeScenario } from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';

for (const side of ['PRODUCTION_DB_URL', 'STAGING_DB_URL'] as const) {
  test(`a pool in front of a server cannot hold a snapshot or a lock: ${side}`, async () => {
    await using scenario = await makeScenario();
    const word = side === 'PRODUCTION_DB_URL' ? 'production' : 'staging';
    await using pool = await startPool(scenario[word].server);
    const url = new URL(scenario.environment[side] ?? '');
    url.port = String(pool.port);
    const environment = {
      ...scenario.environment,
      [side]: url.href,
      [side.replace('_URL', '_CA')]: pool.caPem,
    };
    await leavingStagingAlone(scenario, () =>
      expectFailure(environment, {
        exit: 3,
        code: 'pooled-connection',
        says: new RegExp(`\\(localhost:${pool.port}/.*\\)\\nHINT: use the direct connection string`),
      }),
    );
  });
}

interface Pool extends AsyncDisposable {
  readonly port: number;
  readonly caPem: string;
}

/**
 * Does what tells a pool from a server: the process that it announces at the start (BackendKeyData; manual, 53.7) is not
 * the one that answers.
 */
async function startPool(server: LocalServer): Promise<Pool> {
  const authority = await openAuthority(join(await testFolder(), 'authority'));
  const { certificatePem: cert, keyPem: key } = await authority.issue('localhost');
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    client.once('data', (request) => {
      assert.equal(request.length, 8, 'a client that wants TLS asks for it first');
      client.write('S');
      const inside = new TLSSocket(client, { isServer: true, cert, key });
      const raw = dial(server.port, server.host);
      sockets.add(raw);
      raw.on('error', () => undefined);
      raw.write(request);
      raw.once('data', () => {
        const outside = dialTls({
          socket: raw,
          ca: readFileSync(server.caFile, 'utf8'),
          servername: 'localhost',
        });
        for (const socket of [inside, outside]) socket.on('error', () => client.destroy());
        inside.pipe(outside);
        outside.on('data', (data: Buffer) => inside.write(announcingAnother(data)));
        outside.on('close', () => inside.end());
      });
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    caPem: authority.caPem,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** The server sends it once, in one piece with the end of the log-in: `K`, its length, the process, a secret. */
function announcingAnother(data: Buffer): Buffer {
  const at = data.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
  if (at < 0) return data;
  const other = Buffer.from(data);
  other.writeInt32BE(other.readInt32BE(at + 5) ^ 1, at + 5);
  return other;
}
