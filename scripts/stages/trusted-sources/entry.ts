import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RefreshError } from '../../model/errors.ts';
import type { Run } from '../../model/run.ts';
import { describeAddress } from '../../model/server-address.ts';
import type { Side } from '../../model/servers.ts';

const attemptMs = 5_000;
const patienceMs = 90_000;

/**
 * Waits until the cluster takes connections: a changed list takes a while to reach its servers. Other reasons than the
 * list are not for here: preflight tells them better.
 *
 * @throws RefreshError `host-unreachable` with the address that was let in, which may be the wrong one.
 */
export async function awaitEntry(run: Run, side: Side, address: string): Promise<void> {
  const server = run.config[side];
  const deadline = Date.now() + patienceMs;
  for (let waited = false; ; waited = true) {
    run.signal.throwIfAborted();
    if (await takesConnections(server.host, server.port)) return;
    if (Date.now() > deadline) {
      throw new RefreshError(
        'host-unreachable',
        `the cluster does not take connections, though ${address} is let in`,
        {
          object: `${side} ${describeAddress(server)}`,
          hint: 'is this machine seen from elsewhere as another address? --runner-address sets it; otherwise check host and port',
        },
      );
    }
    if (!waited) run.log.info(`${side}: waiting until the changed trusted sources are in effect`);
    await sleep(1000);
  }
}

/** True also for a name that is not known: nothing to wait for. */
function takesConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ host, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(attemptMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ENOTFOUND'));
  });
}
