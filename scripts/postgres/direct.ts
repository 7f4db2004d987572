import { describeAddress, type ServerAddress } from '../model/server-address.ts';
import { pooled } from './login-failure.ts';
import { announcedPid } from './pg-client.ts';
import type { Session } from './session.ts';

/** Behind a pool the server process is another one than was announced. @throws RefreshError `pooled-connection`, and the session is closed. */
export async function requireDirect(session: Session, address: ServerAddress): Promise<void> {
  const { pid } = await session.row<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
  if (pid === announcedPid(session.client)) return;
  await session.close();
  throw pooled(describeAddress(address));
}
