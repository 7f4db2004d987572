import { readFileSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';

/** More than all that the tests have at one time: two servers of their own, and databases by the dozen. */
const enoughBytes = 6 * 1024 ** 3;

/**
 * Where servers and files that need not outlive the tests are made. Most of what a CREATE DATABASE takes is spent in
 * the file system: in memory it takes a quarter. A container's own /dev/shm is small, or lets no program run.
 */
export function memoryFolder(folder = '/dev/shm', enough = enoughBytes): string {
  return isInMemory(folder) && Math.min(freeBytes(folder), freemem()) >= enough ? folder : tmpdir();
}

/** A tmpfs from which programs may be started, as tests do. */
function isInMemory(folder: string): boolean {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8').trim().split('\n');
    // Of several at one place the last is the one that is seen.
    const [, , type, options = ''] =
      mounts.findLast((line) => line.split(' ')[1] === folder)?.split(' ') ?? [];
    return type === 'tmpfs' && options.startsWith('rw') && !options.split(',').includes('noexec');
  } catch {
    return false; // no Linux
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
