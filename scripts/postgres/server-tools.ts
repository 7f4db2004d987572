import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RefreshError } from '../model/errors.ts';
import type { ServerAddress } from '../model/server-address.ts';
import type { Side } from '../model/servers.ts';
import { type ChildResult, runChild } from '../system/child.ts';
import { programSettings } from './house-settings.ts';
import { programFailure } from './known-failures.ts';
import { watchProgram } from './stall.ts';

/** PostgreSQL's own client programs, all from one folder. */
export interface ServerTools {
  readonly bindir: string;
  /** Major version, 17 for 17.6. */
  readonly major: number;
  readonly version: string;
}

/**
 * Finds pg_dump and pg_restore: `PG_BINDIR`, then Debian's folders newest first, then PATH.
 *
 * @throws RefreshError `tool-missing` when there are none, with the package that brings them.
 */
export async function findServerTools(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ServerTools> {
  for (const bindir of await candidates(environment)) {
    if (!existsSync(join(bindir, 'pg_dump')) || !existsSync(join(bindir, 'pg_restore'))) continue;
    const version = await versionOf(join(bindir, 'pg_dump'));
    if (version) return { bindir, version, major: Number.parseInt(version, 10) };
  }
  const { PG_BINDIR } = environment;
  const where = PG_BINDIR ? 'in that folder' : 'on this machine';
  throw new RefreshError('tool-missing', `pg_dump and pg_restore are not ${where}`, {
    object: PG_BINDIR ? `PG_BINDIR=${PG_BINDIR}` : 'PATH',
    hint: 'install postgresql-client-17 (Debian, Ubuntu: from the PostgreSQL project’s own apt repository), or set PG_BINDIR to the folder that has them',
  });
}

/** libpq's environment for one database: the password stays out of argv, and the server is verified. */
export function libpqEnvironment(address: ServerAddress, caFile: string | undefined): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    LC_ALL: 'C.UTF-8',
    PGHOST: address.host,
    PGPORT: String(address.port),
    PGUSER: address.user,
    PGPASSWORD: address.password.reveal(),
    PGDATABASE: address.database,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: caFile ?? 'system',
    PGCONNECT_TIMEOUT: '20',
    PGAPPNAME: 'staging-refresh',
    PGCLIENTENCODING: 'UTF8',
    PGOPTIONS: programSettings,
  };
}

/** The server that a program talks to. */
export interface Spoken {
  readonly address: ServerAddress;
  readonly side: Side;
  /** What the program's sessions call themselves. */
  readonly application: string;
  /** How long its server may be silent: see postgres/stall.ts. */
  readonly stallSeconds: number;
}

/**
 * Runs one of PostgreSQL's programs to a good end and returns what it printed.
 *
 * @param spoken the server it talks to; undefined where it only reads a file.
 * @throws RefreshError `tool-failed` with the program's last error lines, or what its server said, as `classify` has it.
 */
export async function runTool(
  tools: ServerTools,
  program: 'pg_dump' | 'pg_restore',
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  signal?: AbortSignal,
  spoken?: Spoken,
): Promise<ChildResult> {
  const run = async (signals: readonly AbortSignal[]) =>
    await runChild(join(tools.bindir, program), args, {
      env: { ...environment, ...(spoken ? { PGAPPNAME: spoken.application } : {}) },
      ...(signals.length > 0 ? { signal: AbortSignal.any([...signals]) } : {}),
    });
  const ending = signal ? [signal] : [];
  const result = spoken
    ? await watchProgram({ ...spoken, name: spoken.application }, spoken.stallSeconds, (stalled) =>
        run([...ending, stalled]),
      )
    : await run(ending);
  signal?.throwIfAborted();
  if (result.code !== 0) throw toolError(program, result);
  return result;
}

function toolError(program: string, result: ChildResult): RefreshError {
  const said = result.stderr
    .split('\n')
    // The server's own DETAIL quotes rows.
    .filter((line) => /error:|fatal:|detail:|hint:|command was:/i.test(line) && !line.startsWith('DETAIL:'))
    .slice(0, 6)
    .map((line) => line.slice(0, 400))
    .join('; ');
  const how = result.signal ? `was ended by ${result.signal}` : `ended with status ${result.code}`;
  const { code, hint } = programFailure(result.stderr) ?? {
    code: 'tool-failed' as const,
    hint: 'the statement that failed is in the message; refresh doctor checks rights, versions and room',
  };
  return new RefreshError(code, `${program} ${how}${said ? `: ${said}` : ''}`, { object: program, hint });
}

async function candidates(environment: Readonly<Record<string, string | undefined>>): Promise<string[]> {
  if (environment.PG_BINDIR) return [environment.PG_BINDIR];
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? await readdir(debian) : [];
  const installed = versions
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a))
    .map((name) => join(debian, name, 'bin'));
  return [...installed, ...(environment.PATH ?? '').split(':').filter((folder) => folder !== '')];
}

async function versionOf(program: string): Promise<string | undefined> {
  const { code, stdout } = await runChild(program, ['--version'], { env: { PATH: process.env.PATH ?? '' } });
  return code === 0 ? /\(PostgreSQL\) (\d+[^\s]*)/.exec(stdout)?.[1] : undefined;
}
