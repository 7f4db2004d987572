import { accessSync, constants } from 'node:fs';
import { chown, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { RefreshError } from '../model/errors.ts';
import { runChild } from './child.ts';

/**
 * The operating system's user whom a server runs as. PostgreSQL refuses to run as root, so root hands its servers to
 * `postgres` or `nobody`; everybody else runs them in their own name.
 */
export interface ServerAccount {
  /** Gives a file or folder to the account. */
  own(path: string): Promise<void>;
  /** Runs one of PostgreSQL's programs as the account, with `folder` as its working folder. */
  run(program: string, args: readonly string[], variables?: NodeJS.ProcessEnv): Promise<string>;
}

/** Capabilities that let the account pass folders which only root may enter, the weakest first. */
const passages = [undefined, 'dac_read_search', 'dac_override'] as const;

/**
 * The account that can use `folder` (which must exist) and the programs in `bindir`.
 * Fails with `not-permitted` when this process is root and can't become anybody else who reaches both.
 */
export async function serverAccount(folder: string, bindir: string): Promise<ServerAccount> {
  const environment = serverEnvironment(folder);
  if (process.geteuid?.() !== 0) {
    return {
      own: async () => undefined,
      run: async (program, args, variables) =>
        await runChild(join(bindir, program), args, {
          environment: { ...environment, ...variables },
          folder,
          name: program,
        }),
    };
  }
  const user = await unprivilegedUser();
  await chown(folder, user.uid, user.gid);
  const become = await wayToBecome(user, folder, bindir);
  return {
    own: async (path) => await chown(path, user.uid, user.gid),
    run: async (program, args, variables) =>
      await runChild('setpriv', [...become, join(bindir, program), ...args], {
        environment: { ...environment, ...variables },
        folder,
        name: program,
      }),
  };
}

interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

async function unprivilegedUser(): Promise<SystemUser> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [name, , uid, gid] = lines.find(([name]) => name === wanted) ?? [];
    if (name && Number(uid) > 0) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw cannotBecome('neither postgres nor nobody is a user of this system');
}

/**
 * A clone may lie below a folder that only root can enter (`mktemp -d`, `/root`). Where that is so the server keeps
 * one capability that passes it; everything else of root is given up before PostgreSQL starts.
 */
async function wayToBecome(user: SystemUser, folder: string, bindir: string): Promise<string[]> {
  if (!isOnPath('setpriv')) throw cannotBecome('setpriv (util-linux) is not installed');
  const probe = 'test -x "$0/postgres" && test -r "$0/postgres" && cd -P "$1" && test -w .';
  const base = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--no-new-privs'];
  let refusal: unknown;
  for (const passage of passages) {
    const become = [...base, ...(passage ? keeping(passage) : ['--inh-caps=-all']), '--'];
    try {
      await runChild('setpriv', [...become, '/bin/sh', '-c', probe, bindir, folder], { folder: '/' });
      return become;
    } catch (error) {
      refusal = error;
    }
  }
  throw cannotBecome(`${user.name} reaches ${bindir} or ${folder} in no way`, refusal);
}

/** access(2), which PostgreSQL's programs ask, ignores a non-root user's capabilities unless that security bit is set. */
function keeping(capability: string): string[] {
  return ['--securebits=+no_setuid_fixup', `--inh-caps=+${capability}`, `--ambient-caps=+${capability}`];
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false; // not here: the next folder
    }
  });
}

/** Nothing of the caller's PG* variables, its language or its time zone reaches a server. */
function serverEnvironment(folder: string): NodeJS.ProcessEnv {
  const { PATH, LD_LIBRARY_PATH } = process.env;
  return { PATH, HOME: folder, LC_ALL: 'C', TZ: 'UTC', ...(LD_LIBRARY_PATH ? { LD_LIBRARY_PATH } : {}) };
}

function cannotBecome(why: string, cause?: unknown): RefreshError {
  return new RefreshError('not-permitted', `PostgreSQL refuses to run as root, and ${why}`, {
    object: 'root',
    cause,
    hint: 'run this as an ordinary user, or in a folder that the user postgres or nobody can enter',
  });
}
