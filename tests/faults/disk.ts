import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restoring } from './act.ts';
import { type Fault, phases } from './fault.ts';
import type { Random } from './random.ts';

/** A small file system in memory, which root may mount; undefined where this process may not. */
export function mountSmall(folder: string, megabytes: number): (() => void) | undefined {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  return () => execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' });
}

/** Each round: each place is full, from the beginning or from some moment on. */
export function diskFaults(random: Random, small: string): Fault[] {
  const later = () => ({ phase: random.pick(phases.slice(1, -1)), delayMs: random.below(200) });
  const place = (name: string) => {
    const folder = join(small, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  const fault = (name: string, rest: Partial<Fault>): Fault => ({
    kind: 'disk',
    name,
    expects: 'any',
    moment: later(),
    ...rest,
  });
  const full = async () => fill(small);
  return [
    fault('the folder of artifacts becomes full', {
      places: { artifacts: place('artifacts') },
      strike: full,
    }),
    fault('the folder of artifacts is full', { places: { artifacts: place('artifacts') }, arrange: full }),
    fault('the folder for temporary files is full', { places: { temporary: place('tmp') }, arrange: full }),
    fault('the folder for temporary files becomes full', {
      places: { temporary: place('tmp') },
      strike: full,
    }),
    fault('in place: the folder for temporary files becomes full', {
      moment: { phase: random.pick(['snapshot', 'plan', 'schema']), delayMs: random.below(40) },
      flags: ['--strategy', 'in-place'],
      places: { temporary: place('tmp') },
      strike: full,
    }),
    fault('restore: the folder for staging’s own backup becomes full', {
      act: restoring,
      moment: { phase: random.pick(['read', 'preflight', 'backup of staging']), delayMs: random.below(40) },
      flags: ['--backup-staging', '--artifact', place('own')],
      strike: full,
    }),
    fault('the folder of the report becomes full', {
      places: { report: join(place('report'), 'report.json') },
      strike: full,
    }),
  ];
}

/** Staging's own disk, on which its server lives. */
export function stagingDiskFaults(random: Random, disk: string): Fault[] {
  const inPlace = ['--strategy', 'in-place'];
  const during = (name: string, load: 'copy' | 'load', rest: Partial<Fault>): Fault => ({
    kind: 'disk',
    name: `${name}staging’s disk becomes full`,
    expects: 'any',
    moment: {
      phase: random.pick(['schema', load, 'constraints', 'verify', 'publish']),
      delayMs: random.below(150),
    },
    strike: async () => fill(disk),
    ...rest,
  });
  return [
    ...Array.from({ length: 3 }, () => during('', 'copy', {})),
    during('in place: ', 'copy', { flags: inPlace }),
    during('restore: ', 'load', { act: restoring }),
    during('restore in place: ', 'load', { act: restoring, flags: inPlace }),
  ];
}

/** Takes every byte that is left, and gives it back. */
function fill(folder: string): () => Promise<void> {
  const file = join(folder, 'filler');
  const block = Buffer.alloc(1 << 20, 1);
  try {
    for (let size = 4096; ; size *= 2)
      writeFileSync(file, size > block.length ? block : block.subarray(0, size), { flag: 'a' });
  } catch (error) {
    if (statfsSync(folder).bavail > 16) throw error;
  }
  return async () => rmSync(file, { force: true });
}
