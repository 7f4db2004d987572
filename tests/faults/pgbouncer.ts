import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/local/loopback-port.ts';
import type { Field } from './field.ts';

export interface Bouncer extends AsyncDisposable {
  readonly port: number;
}

/** PgBouncer before staging, as the program that PGBOUNCER names; undefined where it names none. */
export async function startBouncer(field: Field): Promise<Bouncer | undefined> {
  const program = process.env.PGBOUNCER;
  if (!program) return undefined;
  const port = await freePort();
  const folder = mkdtempSync(join(field.folder, 'pgbouncer-'));
  const { user, password } = field.appLogin;
  const { staging } = field.servers;
  const users = join(folder, 'users.txt');
  writeFileSync(users, `"${user}" "${password}"\n`, { mode: 0o600 });
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]
business = host=localhost port=${staging.port} dbname=business user=${user} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = transaction
default_pool_size = 50
max_client_conn = 200
server_tls_sslmode = verify-full
server_tls_ca_file = ${staging.caFile}
server_login_retry = 1
log_connections = 0
log_disconnections = 0
log_pooler_errors = 0
`,
    { mode: 0o600 },
  );
  const root = process.geteuid?.() === 0;
  if (root) {
    // It refuses to run as root, and has to reach its files below folders of root's.
    for (const path of [folder, file, users]) chownSync(path, 65534, 65534);
    chmodSync(staging.folder, 0o711);
  }
  const child = root
    ? spawn(
        'setpriv',
        [
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          '--securebits=+no_setuid_fixup',
          '--inh-caps=+dac_read_search',
          '--ambient-caps=+dac_read_search',
          '--',
          program,
          file,
        ],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      )
    : spawn(program, [file], { stdio: ['ignore', 'ignore', 'inherit'] });
  await listening(port);
  return {
    port,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    if (tries === 100) throw new Error('PgBouncer does not listen');
    await sleep(50);
  }
}
