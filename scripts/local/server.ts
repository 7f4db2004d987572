import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RefreshError } from '../model/errors.ts';
import type { Authority } from './certificates.ts';
import type { LocalServer } from './local-server.ts';
import { freePort, isFree } from './loopback-port.ts';
import { majorVersion, type PostgresTools } from './postgres-install.ts';
import { giveManagedRoles, giveNewPasswords } from './roles.ts';
import { serverAccount } from './server-account.ts';
import { readIfThere, recall, remember } from './server-record.ts';

export type { LocalServer } from './local-server.ts';

export interface ServerOptions {
  readonly name: string;
  readonly folder: string;
  readonly tools: PostgresTools;
  readonly authority: Authority;
  /** Chosen among the free ones when left out, and kept. */
  readonly port?: number;
  /** A running server whose files the new one begins with: databases, roles and their passwords, system identifier. */
  readonly origin?: LocalServer;
  /** Lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

const startSeconds = 60;
const stopSeconds = 60;

/**
 * Makes the server's folder (0700) with a new cluster, a certificate and the roles that DigitalOcean gives, and leaves
 * it running. What an interrupted creation left in the folder is removed first.
 * Fails with `already-running` when the folder holds a finished server; after any failure nothing is left behind.
 */
export async function createServer(options: ServerOptions): Promise<LocalServer> {
  const folder = resolve(options.folder);
  if (await openServer(folder)) {
    throw new RefreshError('already-running', `the folder holds the server ${options.name} already`, {
      object: folder,
      hint: 'npm run destroy takes the local stack down, its servers with it',
    });
  }
  await removeServerFolder(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const server = await describeServer(options, folder);
    await initialise(server, options);
    await startServer(server);
    if (options.origin) await giveNewPasswords(server, options.origin);
    else await giveManagedRoles(server, majorVersion(options.tools));
    await remember(server, true);
    return server;
  } catch (error) {
    await removeServerFolder(folder);
    throw error;
  }
}

/** The server that `createServer` finished in this folder, running or not, or nothing. */
export async function openServer(folder: string): Promise<LocalServer | undefined> {
  const stored = await recall(resolve(folder));
  return stored?.ready ? stored.server : undefined;
}

/** Starts it and waits until it takes connections; no effect on a running one. It outlives this process. */
export async function startServer(server: LocalServer): Promise<void> {
  if (await isRunning(server)) return;
  const account = await serverAccount(server.folder, server.bindir);
  if (!(await isFree(server.port))) throw portTaken(server);
  const log = join(server.folder, 'server.log');
  const start = [
    'start',
    '--silent',
    '--wait',
    `--timeout=${startSeconds}`,
    `--pgdata=${dataFolder(server)}`,
  ];
  try {
    await account.run('pg_ctl', [...start, `--log=${log}`]);
  } catch (cause) {
    throw notStarted(server, (await readIfThere(log)) ?? '', cause);
  }
}

/** Ends its sessions, writes everything to disk and waits until the process is gone; no effect on a stopped one. */
export async function stopServer(server: LocalServer): Promise<void> {
  if (!(await isRunning(server))) return;
  const pid = await processOf(server);
  const account = await serverAccount(server.folder, server.bindir);
  const stop = ['stop', '--silent', '--wait', `--timeout=${stopSeconds}`, `--pgdata=${dataFolder(server)}`];
  await account.run('pg_ctl', [...stop, '--mode=fast']);
  // pg_ctl waits for the pid file to go, which is a moment before the process goes.
  while (pid !== undefined && (await isAlive(pid))) await setTimeout(10);
}

/** Stops it and deletes its folder. */
export async function removeServer(server: LocalServer): Promise<void> {
  await removeServerFolder(server.folder);
}

/** As `removeServer`, for a folder in whatever state it is, even one whose creation was interrupted. */
export async function removeServerFolder(folder: string): Promise<void> {
  const stored = await recall(resolve(folder));
  if (stored) await stopServer(stored.server);
  await rm(folder, { recursive: true, force: true });
}

/** Whether its process lives. */
export async function isRunning(server: LocalServer): Promise<boolean> {
  const pid = await processOf(server);
  if (pid === undefined || !(await isAlive(pid))) return false;
  // After a power cut the file may name a process that is somebody else's by now.
  const command = await readIfThere(`/proc/${pid}/cmdline`);
  return command?.includes(dataFolder(server)) || !(await isFree(server.port));
}

/** A connection string without a path of the CA: that goes beside it, in an environment variable or an option. */
export function connectionUrl(server: LocalServer, user: string, password: string, database: string): string {
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return `postgresql://${login}@${server.host}:${server.port}/${encodeURIComponent(database)}?sslmode=require`;
}

async function describeServer(options: ServerOptions, folder: string): Promise<LocalServer> {
  return {
    name: options.name,
    folder,
    host: 'localhost',
    port: options.port ?? (await freePort()),
    bindir: options.tools.bindir,
    superuser: 'postgres',
    superuserPassword: randomBytes(24).toString('base64url'),
    adminUser: 'doadmin',
    adminPassword: randomBytes(24).toString('base64url'),
    caFile: join(folder, 'ca.crt'),
  };
}

async function initialise(server: LocalServer, options: ServerOptions): Promise<void> {
  const account = await serverAccount(server.folder, server.bindir);
  await remember(server, false);
  await (options.origin ? copyFiles(server, options.origin) : makeFiles(server, options));
  await configure(server, options);
  const { certificatePem, keyPem } = await options.authority.issue('localhost');
  await writeFile(server.caFile, options.authority.caPem);
  for (const [file, text] of [
    ['server.crt', certificatePem],
    ['server.key', keyPem],
  ] as const) {
    const path = join(dataFolder(server), file);
    await writeFile(path, text, { mode: 0o600 });
    await account.own(path);
  }
}

async function makeFiles(server: LocalServer, options: ServerOptions): Promise<void> {
  const account = await serverAccount(server.folder, server.bindir);
  const passwordFile = join(server.folder, 'password');
  await writeFile(passwordFile, `${server.superuserPassword}\n`, { mode: 0o600 });
  await account.own(passwordFile);
  await account.run('initdb', [
    `--pgdata=${dataFolder(server)}`,
    `--username=${server.superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--data-checksums',
    '--no-instructions',
    ...(options.settings?.fsync === 'off' ? ['--no-sync'] : []),
  ]);
  await rm(passwordFile);
}

async function copyFiles(server: LocalServer, origin: LocalServer): Promise<void> {
  const account = await serverAccount(server.folder, server.bindir);
  const login = {
    PGPASSWORD: origin.superuserPassword,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: origin.caFile,
  };
  const from = [`--host=${origin.host}`, `--port=${origin.port}`, `--username=${origin.superuser}`];
  const to = [`--pgdata=${dataFolder(server)}`, '--checkpoint=fast', '--wal-method=stream', '--no-sync'];
  await account.run('pg_basebackup', [...from, '--no-password', ...to], login);
}

async function configure(server: LocalServer, options: ServerOptions): Promise<void> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(server.port),
    unix_socket_directories: '',
    ssl: 'on',
    password_encryption: 'scram-sha-256',
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  await appendFile(join(dataFolder(server), 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  const access = ['all', 'replication'].map((what) => `hostssl ${what} all 127.0.0.1/32 scram-sha-256`);
  await writeFile(join(dataFolder(server), 'pg_hba.conf'), `${access.join('\n')}\n`);
}

async function processOf(server: LocalServer): Promise<number | undefined> {
  const pid = Number.parseInt((await readIfThere(join(dataFolder(server), 'postmaster.pid'))) ?? '', 10);
  return pid > 0 ? pid : undefined;
}

/** An ended process that nobody has asked about, a zombie, counts as gone. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  const status = await readIfThere(`/proc/${pid}/stat`);
  return !/\) Z /.test(status ?? '');
}

function dataFolder(server: LocalServer): string {
  return join(server.folder, 'data');
}

function notStarted(server: LocalServer, log: string, cause: unknown): RefreshError {
  const said = log.trim().split('\n').slice(-3).join('; ') || 'its log is empty';
  return new RefreshError('tool-failed', `${server.name} did not start: ${said}`, {
    object: server.name,
    cause,
    hint: `see ${join(server.folder, 'server.log')}, repair what it names, and start again`,
  });
}

function portTaken(server: LocalServer): RefreshError {
  return new RefreshError(
    'host-unreachable',
    `port ${server.port} of ${server.name} is used by another program`,
    {
      object: `localhost:${server.port}`,
      hint: 'end that program, or take the local stack down and start it anew on other ports',
    },
  );
}
