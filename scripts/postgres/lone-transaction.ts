import type { ServerAddress } from '../model/server-address.ts';
import { applySettings } from './house-settings.ts';
import { lendConnection } from './lent-connection.ts';
import { isYoung } from './row-age.ts';
import { openSession, Session, type SessionOptions } from './session.ts';
import type { Settings } from './startup.ts';

/**
 * One transaction on one connection, in which a whole refresh is built: nobody sees any of it before `commit`, and
 * whatever ends the connection takes all of it back. Stages borrow the connection one after the other.
 */
export class LoneTransaction {
  /** Process id of its server process. */
  readonly pid: number;
  /** Its xid8, by which the server still knows its fate when the connection is lost. */
  readonly xid: string;
  /** oid of a relation that only it has made, as a witness of its COMMIT; undefined before that, or if it makes none. */
  made: number | undefined;
  readonly #session: Borrowed;
  #turn: Promise<void> = Promise.resolve();

  private constructor(session: Borrowed, { pid, xid }: { readonly pid: number; readonly xid: string }) {
    this.#session = session;
    this.pid = pid;
    this.xid = xid;
  }

  static async begin(address: ServerAddress, options: SessionOptions): Promise<LoneTransaction> {
    const { client, side, label } = await openSession(address, options);
    const session = new Borrowed(client, side, label);
    options.watch?.(session, address.database);
    await session.run('begin isolation level read committed, read write');
    const facts = await session.row<{ pid: number; xid: string }>(
      'select pg_catalog.pg_backend_pid() as pid, pg_catalog.pg_current_xact_id()::text as xid',
    );
    return new LoneTransaction(session, facts);
  }

  get lost(): Error | undefined {
    return this.#session.lost;
  }

  /** The connection with the house's settings and these; `close` gives it back. Whoever comes meanwhile waits. */
  async borrow(settings: Settings = {}): Promise<Session> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    this.#session.lend(resolve);
    try {
      // What the one before has set, a program of PostgreSQL's among them, is nobody else's business.
      await this.#session.run('reset all; deallocate all');
      await applySettings(this.#session, { ...clientGone, ...settings });
      return this.#session;
    } catch (error) {
      resolve();
      throw error;
    }
  }

  /** Lets one of PostgreSQL's programs work in the transaction; `work` starts it with the environment it gets. */
  async lend<Result>(
    folder: string,
    work: (environment: Readonly<Record<string, string>>) => Promise<Result>,
  ): Promise<Result> {
    await using session = await this.borrow();
    return await session.awaiting(lendConnection(session, folder, work));
  }

  /** @throws RefreshError; whether it was carried out is unknown where `lost` is set then. */
  async commit(): Promise<void> {
    await using session = await this.borrow({ synchronous_commit: 'on' });
    // A relation of an extension may be older, although its row in pg_class is ours.
    const [made] = await session.rows<{ oid: number }>(
      `select c.oid from pg_catalog.pg_class c
        where c.relkind in ('r', 'p', 'v', 'm', 'S') and ${isYoung('pg_catalog.pg_current_xact_id()::xid', 'c.xmin')}
          and not exists (select from pg_catalog.pg_depend d
                           where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
        limit 1`,
    );
    this.made = made?.oid;
    await session.run('commit');
    await this.#session.hangUp();
  }

  /** Takes everything back by cutting the connection, which may be in the middle of a COPY. */
  destroy(): void {
    this.#session.destroy();
  }
}

/** A server that is told nothing would keep the locks of a dead client until its statement ends. */
const clientGone = { client_connection_check_interval: '2s' };

class Borrowed extends Session {
  override readonly inTransaction = true;
  #giveBack: () => void = () => undefined;

  lend(giveBack: () => void): void {
    this.#giveBack = giveBack;
  }

  override async close(): Promise<void> {
    this.#giveBack();
  }

  async hangUp(): Promise<void> {
    await super.close();
  }
}
