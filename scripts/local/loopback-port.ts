import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { RefreshError } from '../model/errors.ts';

const portRange = { first: 21_000, count: 9_000 } as const;

/** Below the range from which the system gives ports to outgoing connections, so that it stays free while stopped. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = portRange.first + (randomBytes(4).readUInt32BE() % portRange.count);
    if (await isFree(port)) return port;
  }
  throw new RefreshError('host-unreachable', 'no free port found on loopback', {
    object: 'localhost',
    hint: `free a port between ${portRange.first} and ${portRange.first + portRange.count - 1}`,
  });
}

/** Listens on 127.0.0.1, on a port of the system's choice, which it returns. */
export async function listenOnLoopback(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** Free on both families: a client that asks for `localhost` may try either. */
export async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '::1'));
}

async function canListen(port: number, host: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const listener = createServer();
  listener.on('error', (error) => resolve(!('code' in error && error.code === 'EADDRINUSE')));
  listener.listen({ port, host, exclusive: true }, () => listener.close(() => resolve(true)));
  return await promise;
}
