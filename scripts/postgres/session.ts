import { isIP } from 'node:net';
import pg from 'pg';
import { asError } from '../model/errors.ts';
import { describeAddress, type ServerAddress } from '../model/server-address.ts';
import type { Side } from '../model/servers.ts';
import { classify } from './failure.ts';
import { loginOf } from './login.ts';
import { classifyLogin } from './login-failure.ts';
import { pipelined, reportedSettings, socketOf } from './pg-client.ts';
import { type Settings, startup } from './startup.ts';

export interface SessionOptions {
  readonly side: Side;
  readonly applicationName: string;
  readonly database?: string;
  /** Settings on top of the house's. */
  readonly settings?: Settings;
  /** In the start-up packet alone: no log of statements and no view of sessions shows them. Letters and digits. */
  readonly startup?: Readonly<Record<string, string>>;
  /** Its statements compute something of rows: see `classify`. */
  readonly readsRows?: boolean;
  /** When it fires, the connection is cut and whatever waits on it fails. */
  readonly signal?: AbortSignal;
  /** Told of the session as soon as it stands: see postgres/stall.ts. */
  readonly watch?: (session: Session, database: string) => void;
}

/** A goodbye that is not answered by then is none. */
const farewellMs = 3_000;

const connectSeconds = 20;

/**
 * One server connection over verified TLS: `pg` does start-up, authentication and encryption. Statements that are given
 * without waiting for the one before are sent at once and carried out in order: one round trip for all of them.
 */
export class Session implements AsyncDisposable {
  readonly client: pg.Client;
  readonly side: Side;
  /** `production host:port/database`, for errors. */
  readonly label: string;
  /** Whether everything here happens in one transaction that somebody else ends: see lone-transaction.ts. */
  readonly inTransaction: boolean = false;
  readonly #readsRows: boolean;
  #lost: Error | undefined;
  #closing = false;
  readonly #listeners: ((error: Error) => void)[] = [];
  /** What waits for the server now; each tells whether it is we who hold the server up. */
  readonly #waiting = new Set<{ readonly held: () => boolean }>();

  constructor(client: pg.Client, side: Side, label: string, readsRows = false) {
    this.client = client;
    this.side = side;
    this.label = label;
    this.#readsRows = readsRows;
    pipelined(client, true);
    client.on('error', (error: Error) => this.#onLost(error));
    client.on('end', () => this.#onLost(new Error('Connection terminated')));
  }

  /** The rows of one statement. @throws RefreshError with what the server or the network said. */
  async rows<Row extends object>(
    sql: string,
    parameters?: readonly unknown[],
    object?: string,
    ofRows = this.#readsRows,
  ): Promise<Row[]> {
    // With parameters, be they none, the server takes one statement and no more.
    const single = { text: sql, values: [...(parameters ?? [])], queryMode: 'extended' };
    try {
      const result = await this.awaiting(
        this.client.query<Row & pg.QueryResultRow>(parameters ? single : sql),
      );
      return result.rows;
    } catch (error) {
      throw classify(this.#reason(error), object ?? this.label, ofRows, this.side);
    }
  }

  /** The only row of a statement that always gives one. */
  async row<Row extends object>(sql: string, parameters?: readonly unknown[], object?: string): Promise<Row> {
    const [row] = await this.rows<Row>(sql, parameters, object);
    if (!row)
      throw classify(new Error('a statement that always gives one row gave none'), object ?? this.label);
    return row;
  }

  /** Runs statements whose rows nobody needs; several may stand in one text. `ofRows`: see `classify`. */
  async run(sql: string, object?: string, ofRows = this.#readsRows): Promise<void> {
    try {
      await this.awaiting(this.client.query(sql));
    } catch (error) {
      throw classify(this.#reason(error), object ?? this.label, ofRows, this.side);
    }
  }

  /** The same for statements that may be refused: a transaction that is open around them goes on all the same. */
  async attempt(sql: string, object?: string, ofRows = this.#readsRows): Promise<void> {
    await this.attempting(() => this.run(sql, object, ofRows));
  }

  /** The same for whatever is done on this session. */
  async attempting(work: () => Promise<void>): Promise<void> {
    if (!this.inTransaction) return await work();
    await this.run('savepoint attempt');
    try {
      await work();
    } catch (error) {
      if (!this.#lost) await this.run('rollback to savepoint attempt; release savepoint attempt');
      throw error;
    }
    await this.run('release savepoint attempt');
  }

  /** A text that is carried out whole or not at all. */
  atomically(statements: readonly string[]): string {
    return (this.inTransaction ? statements : ['begin', ...statements, 'commit']).join(';\n');
  }

  /** Says that the server's answer is waited for until `work` is over, except while `held` says that we hold it up. */
  async awaiting<Result>(work: Promise<Result>, held: () => boolean = () => false): Promise<Result> {
    const entry = { held };
    this.#waiting.add(entry);
    try {
      return await work;
    } finally {
      this.#waiting.delete(entry);
    }
  }

  /** Whether somebody waits for the server now. */
  get awaited(): boolean {
    return [...this.#waiting].some(({ held }) => !held());
  }

  get over(): boolean {
    return this.#closing || this.#lost !== undefined;
  }

  /** Breaks the connection for this reason, which everybody who waits on it is told. */
  giveUp(reason: Error): void {
    this.#onLost(reason);
    this.destroy();
  }

  /** Calls back once if the connection breaks without `close` having been called. */
  onLost(listener: (error: Error) => void): void {
    if (this.#lost) listener(this.#lost);
    else this.#listeners.push(listener);
  }

  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Says goodbye to the server; a connection that is already broken is let go. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#lost) return;
    const patience = setTimeout(() => this.destroy(), farewellMs);
    await this.client.end().catch(() => this.destroy());
    clearTimeout(patience);
  }

  /** Cuts the connection without a word: the server ends the session and rolls back. */
  destroy(): void {
    socketOf(this.client).destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A FATAL error is the server's last word: what comes after it only says that the connection is closed. */
  #reason(error: unknown): unknown {
    if (error instanceof pg.DatabaseError && error.severity === 'FATAL') this.#onLost(error);
    return this.#lost ?? error;
  }

  #onLost(error: Error): void {
    if (this.#closing || this.#lost) return;
    this.#lost = error;
    for (const listener of this.#listeners) listener(error);
  }
}

/** Opens a connection. @throws RefreshError `host-unreachable`, `login-refused`, `tls-refused`, `database-missing` … */
export async function openSession(address: ServerAddress, options: SessionOptions): Promise<Session> {
  const database = options.database ?? address.database;
  const label = `${options.side} ${describeAddress({ ...address, database })}`;
  const begin = startup(`${address.host}:${address.port}`, options);
  options.signal?.throwIfAborted();
  const login = loginOf(address);
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    user: address.user,
    password: login.password,
    database,
    application_name: options.applicationName,
    connectionTimeoutMillis: connectSeconds * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    ssl: {
      rejectUnauthorized: true,
      // The one that servers before 18 take (manual, ssl_ecdh_curve): offered another first, they ask once more.
      ecdhCurve: 'P-256:X25519:P-384:P-521',
      ...(address.ca ? { ca: address.ca } : {}),
      ...(isIP(address.host) ? {} : { servername: address.host }),
    },
    options: begin.options,
  });
  const session = new Session(client, options.side, label, options.readsRows);
  const cut = () => session.destroy();
  options.signal?.addEventListener('abort', cut, { once: true });
  session.onLost(() => options.signal?.removeEventListener('abort', cut));
  const reported = reportedSettings(client);
  try {
    await login.asked(client.connect());
    options.watch?.(session, database);
    const late = begin.late(reported.get('server_version') ?? '');
    // Whoever gets the session waits for no answer to this: it is carried out before anything else.
    if (late !== '') session.run(late).catch((error: unknown) => session.giveUp(asError(error)));
    return session;
  } catch (error) {
    // A socket that stays open would keep the process from ending.
    session.destroy();
    throw classifyLogin(error, label);
  }
}
