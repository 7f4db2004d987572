import { rm } from 'node:fs/promises';
import { delimiter, dirname } from 'node:path';
import { environmentName } from '../contract.ts';
import { asRefreshError, formatError } from '../model/errors.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import { type LocalAccount, openAccount, saveAccount } from './account.ts';
import { serveDigitalOcean } from './api/digitalocean.ts';
import type { RunnerMachine } from './api/github/execution.ts';
import { serveGitHub } from './api/github.ts';
import type { ApiServer } from './api/server.ts';
import { openAuthority } from './certificates.ts';
import { LocalClusters } from './cluster-host.ts';
import type { DaemonRecord } from './daemon-process.ts';
import { findPostgres } from './postgres-install.ts';
import { openServer } from './server.ts';
import { type StateFolder, stateFolderAt } from './state-folder.ts';

/**
 * The process behind the two emulated APIs: `node scripts/local/daemon.ts FOLDER`. It serves them until SIGTERM and
 * writes where they are into FOLDER/daemon.json once both answer. The PostgreSQL servers are no children of it.
 */
async function main(folder: StateFolder): Promise<void> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  process.once('SIGTERM', stop);
  // A terminal's Ctrl-C and its end are meant for the command, not for the stack that it left running.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  const account = await openAccount(folder);
  const digitalOcean = await onKnownPort(account.ports.digitalOcean, (port) =>
    serveAccount(folder, account, port),
  );
  const runner = await findRunner(folder, digitalOcean.url);
  const gitHub = await onKnownPort(account.ports.gitHub, (port) =>
    serveRepository(folder, account, runner, port),
  );
  await saveAccount(folder, {
    ...account,
    ports: { digitalOcean: portOf(digitalOcean), gitHub: portOf(gitHub) },
  });
  const record: DaemonRecord = { pid: process.pid, digitalOceanUrl: digitalOcean.url, gitHubUrl: gitHub.url };
  await writeFileAtomically(folder.daemon, `${JSON.stringify(record)}\n`);
  await stopped;
  await rm(folder.daemon, { force: true });
  await Promise.all([digitalOcean.close(), gitHub.close()]);
}

async function serveAccount(folder: StateFolder, account: LocalAccount, port: number): Promise<ApiServer> {
  const server = await openServer(folder.production);
  if (!server || !account.production)
    throw new Error('production is not there yet: npm start makes it first');
  const authority = await openAuthority(folder.authority);
  const { id, name } = account.productionCluster;
  const { host, port: serverPort, adminUser, adminPassword } = server;
  return await serveDigitalOcean({
    stateFile: folder.digitalOceanState,
    token: account.digitalOceanToken,
    port,
    log: folder.requestLog,
    host: new LocalClusters({
      folder: folder.clusters,
      tools: await findPostgres(folder.root, (line) => process.stderr.write(`${line}\n`)),
      authority,
      production: { id, server },
    }),
    production: {
      id,
      name,
      connection: {
        host,
        port: serverPort,
        user: adminUser,
        password: adminPassword,
        database: 'defaultdb',
        ca: authority.caPem,
      },
      databases: ['shop'],
      users: [account.production.appUrl, account.production.readerUrl].map(loginOf),
      trustedSources: [{ type: 'ip_addr', value: '127.0.0.1' }],
    },
  });
}

async function serveRepository(
  folder: StateFolder,
  account: LocalAccount,
  runner: RunnerMachine,
  port: number,
): Promise<ApiServer> {
  const { owner, name } = account.repository;
  return await serveGitHub({
    stateFile: folder.gitHubState,
    token: account.gitHubToken,
    port,
    log: folder.requestLog,
    repositories: [{ owner, name, defaultBranch: 'main' }],
    runner,
  });
}

/** This machine as the runner of the workflows that the emulated GitHub is told to start. */
async function findRunner(folder: StateFolder, digitalOceanUrl: string): Promise<RunnerMachine> {
  const { bindir } = await findPostgres(folder.root, (line) => process.stderr.write(`${line}\n`));
  const path = [dirname(process.execPath), process.env.PATH ?? '/usr/bin:/bin'].join(delimiter);
  return {
    environment: { PATH: path, PG_BINDIR: bindir, [environmentName.digitalOceanApiUrl]: digitalOceanUrl },
  };
}

/** The port of last time where it is still free, else any. */
async function onKnownPort(
  known: number | undefined,
  serve: (port: number) => Promise<ApiServer>,
): Promise<ApiServer> {
  if (known === undefined) return await serve(0);
  try {
    return await serve(known);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    return await serve(0);
  }
}

function portOf(server: ApiServer): number {
  return Number(new URL(server.url).port);
}

function loginOf(url: string): { name: string; password: string } {
  const { username, password } = new URL(url);
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) };
}

const [root] = process.argv.slice(2);
if (root === undefined) {
  process.stderr.write('daemon.ts is started by npm start\n');
  process.exitCode = 2;
} else {
  try {
    await main(stateFolderAt(root));
  } catch (error) {
    process.stderr.write(`${formatError(asRefreshError(error))}\n`);
    process.exitCode = 1;
  }
}
