import { randomBytes } from 'node:crypto';
import { appendFile, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/local/loopback-port.ts';
import { type LocalServer, startServer, stopServer } from '../../scripts/local/server.ts';
import { serverAccount } from '../../scripts/local/server-account.ts';
import { superuser, withSession } from '../../scripts/local/session.ts';
import type { Field, Side } from './field.ts';

/** A server and a hot standby of it, which changes places with it. */
export class Twins implements AsyncDisposable {
  primary: LocalServer;
  standby: LocalServer;
  /** Whether COMMIT waits for the standby, where a transaction's synchronous_commit wants it. */
  readonly #synchronous: boolean;

  private constructor(primary: LocalServer, standby: LocalServer, synchronous: boolean) {
    this.primary = primary;
    this.standby = standby;
    this.#synchronous = synchronous;
  }

  static async open(primary: LocalServer, synchronous: boolean): Promise<Twins> {
    const twins = new Twins(primary, primary, synchronous);
    await twins.#pair();
    return twins;
  }

  /** The primary is gone without a word, and the standby takes over. */
  async failOver(): Promise<void> {
    await control(this.primary, 'stop', '--mode=immediate');
    await control(this.standby, 'promote');
    [this.primary, this.standby] = [this.standby, this.primary];
  }

  async promote(): Promise<void> {
    await control(this.standby, 'promote');
  }

  /** From now on COMMIT waits for nobody, and what is written does not arrive at the standby: it only lies behind. */
  async partWays(): Promise<void> {
    await as(this.primary, 'alter system reset synchronous_standby_names');
    await as(this.primary, 'select pg_reload_conf()');
    await as(this.standby, `alter system set primary_conninfo = ''`);
    await as(this.standby, 'select pg_reload_conf()');
    for (let tries = 0; ; tries++) {
      const { rows } = await as(this.standby, 'select from pg_stat_wal_receiver');
      if (rows.length === 0) return;
      if (tries === 600) throw new Error('the standby goes on following');
      await sleep(50);
    }
  }

  /** Nothing is sent to the standby until what is returned is called: COMMIT waits. */
  async hold(): Promise<() => void> {
    const { rows } = await as(
      this.primary,
      `select pid from pg_stat_activity where backend_type = 'walsender'`,
    );
    const senders = rows.map(({ pid }) => Number(pid));
    for (const pid of senders) process.kill(pid, 'SIGSTOP');
    return () => {
      for (const pid of senders) process.kill(pid, 'SIGCONT');
    };
  }

  /** The standby is gone, and a synchronous COMMIT waits for it. */
  async loseStandby(): Promise<void> {
    await control(this.standby, 'stop', '--mode=immediate');
  }

  /** A new standby in place of what is left of the other one. */
  async repair(): Promise<void> {
    await this.#part(this.standby);
    await this.#pair();
  }

  /** Waits until the standby has replayed all that is written now. */
  async caughtUp(): Promise<void> {
    const { rows } = await as(this.primary, 'select pg_current_wal_lsn()::text as lsn');
    for (let tries = 0; ; tries++) {
      const { rows: there } = await as(
        this.standby,
        `select pg_last_wal_replay_lsn() >= '${String(rows[0]?.lsn)}' as there`,
      );
      if (there[0]?.there === true) return;
      if (tries === 600) throw new Error('the standby does not catch up');
      await sleep(50);
    }
  }

  /** Leaves one server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#part(this.standby);
  }

  async #pair(): Promise<void> {
    // A standby that had parted has it where its copy would have it, too.
    await as(this.primary, 'alter system reset primary_conninfo');
    this.standby = await makeStandby(this.primary);
    await this.caughtUp();
    // After the copy: the standby, once it is the primary, shall not wait for somebody who is gone.
    if (this.#synchronous) {
      await as(this.primary, `alter system set synchronous_standby_names = '*'`);
      await as(this.primary, 'select pg_reload_conf()');
    }
  }

  async #part(server: LocalServer): Promise<void> {
    await stopServer(server);
    await rm(server.folder, { recursive: true, force: true });
  }
}

/** The field’s side is its standby from now on. */
export async function failOver(field: Field, side: Side, twins: Twins): Promise<() => Promise<void>> {
  await twins.failOver();
  field.servers[side] = twins.primary;
  field.proxies[side].redirect(twins.primary.port);
  return () => twins.repair();
}

async function makeStandby(primary: LocalServer): Promise<LocalServer> {
  const folder = join(dirname(primary.folder), `standby-${randomBytes(3).toString('hex')}`);
  const standby: LocalServer = {
    ...primary,
    name: `standby of ${primary.name}`,
    folder,
    port: await freePort(),
    caFile: join(folder, 'ca.crt'),
  };
  await mkdir(folder, { mode: 0o700 });
  await copyFile(primary.caFile, standby.caFile);
  const account = await serverAccount(folder, primary.bindir);
  const { user, password } = superuser(primary);
  const passfile = join(folder, 'pgpass');
  await writeFile(passfile, `*:*:*:${user}:${password}\n`, { mode: 0o600 });
  await account.own(passfile);
  const origin = `host=${primary.host} port=${primary.port} user=${user} passfile=${passfile} sslmode=verify-full sslrootcert=${standby.caFile}`;
  await account.run('pg_basebackup', [
    `--dbname=${origin}`,
    `--pgdata=${join(folder, 'data')}`,
    '--checkpoint=fast',
    '--no-sync',
  ]);
  const settings = {
    port: String(standby.port),
    primary_conninfo: origin,
    hot_standby_feedback: 'off',
    max_standby_streaming_delay: '100ms',
    wal_retrieve_retry_interval: '100ms',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`);
  await appendFile(join(folder, 'data', 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  const signal = join(folder, 'data', 'standby.signal');
  await writeFile(signal, '');
  await account.own(signal);
  await startServer(standby);
  return standby;
}

async function control(server: LocalServer, ...words: readonly string[]): Promise<void> {
  const account = await serverAccount(server.folder, server.bindir);
  await account.run('pg_ctl', [...words, '--silent', '--wait', `--pgdata=${join(server.folder, 'data')}`]);
}

async function as(server: LocalServer, sql: string): Promise<{ rows: Record<string, unknown>[] }> {
  return await withSession(server, superuser(server), 'postgres', (session) => session.query(sql));
}
