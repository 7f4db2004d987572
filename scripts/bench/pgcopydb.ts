import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { LocalServer } from '../local/server.ts';
import type { Contender } from './contender.ts';

/** pgcopydb's clone where it is installed, undefined elsewhere. Its own ANALYZE is part of what it does. */
export function pgcopydb(path = process.env.PATH ?? ''): Contender | undefined {
  const program = path
    .split(delimiter)
    .map((folder) => join(folder, 'pgcopydb'))
    .find(isProgram);
  if (!program) return undefined;
  return {
    key: 'pgcopydb',
    title: 'pgcopydb clone',
    ours: false,
    owner: 'doadmin',
    async copy(place) {
      const uri = (url: string, server: LocalServer) =>
        `${url.replace('sslmode=require', 'sslmode=verify-full')}&sslrootcert=${encodeURIComponent(server.caFile)}`;
      const jobs = ['--table-jobs', String(place.jobs), '--index-jobs', String(place.jobs)];
      const work = ['--dir', join(place.folder, 'pgcopydb'), '--no-owner', '--no-acl', '--fail-fast'];
      await place.program(program, ['clone', ...jobs, ...work], {
        env: {
          PATH: place.path,
          LC_ALL: 'C.UTF-8',
          TMPDIR: place.folder,
          HOME: place.folder,
          XDG_RUNTIME_DIR: place.folder,
          XDG_DATA_HOME: place.folder,
          PGCOPYDB_SOURCE_PGURI: uri(place.productionUrl, place.pair.production),
          PGCOPYDB_TARGET_PGURI: uri(place.stagingUrl, place.pair.staging),
        },
      });
      return { movedBytes: 0 };
    },
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not in this folder of PATH
  }
}
