import { randomUUID } from 'node:crypto';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { RefreshError } from '../model/errors.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import { makeFolder } from '../system/folder.ts';
import { isProcessAlive } from '../system/process-alive.ts';

/**
 * A rule that a run of this machine has put, or is about to put, on a cluster's list. It is written down before the
 * list is, so that a killed run's rule is found by the workflow's clean-up step or by the next run, also when somebody
 * else's write has wiped the rule's description. It is no secret: cluster id, address, times.
 */
const openingSchema = z.object({
  clusterId: z.string(),
  run: z.string(),
  address: z.string(),
  /** The rule's own id, once the list has been read back. */
  uuid: z.string().optional(),
  until: z.coerce.date(),
  machine: z.string(),
  pid: z.number().int(),
});

export interface Opening extends z.infer<typeof openingSchema> {}

export interface KeptOpening {
  readonly file: string;
  readonly opening: Opening;
}

/** `$XDG_STATE_HOME/staging-refresh/trusted-sources`, where the XDG base directory specification wants such things. */
export function openingsFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const state = environment.XDG_STATE_HOME || join(environment.HOME || homedir(), '.local', 'state');
  return join(state, 'staging-refresh', 'trusted-sources');
}

/** Writes the opening down. @throws RefreshError `bad-file` when this can't be: then nothing may be opened. */
export async function keepOpening(
  folder: string,
  wanted: Omit<Opening, 'machine' | 'pid'>,
  file = join(folder, `${randomUUID()}.json`),
): Promise<KeptOpening> {
  const opening = { ...wanted, machine: hostname(), pid: process.pid };
  try {
    await makeFolder(folder);
    await writeFileAtomically(file, `${JSON.stringify(opening)}\n`);
  } catch (cause) {
    throw new RefreshError('bad-file', 'what is opened could not be written down, so nothing was opened', {
      object: file,
      hint: 'XDG_STATE_HOME names the folder above it: it has to be writable',
      cause,
    });
  }
  return { file, opening };
}

export async function forgetOpening(kept: KeptOpening): Promise<void> {
  await unlink(kept.file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** What is written down for a cluster. A file that can't be read is nobody's: a kill may have come before its name. */
export async function listOpenings(folder: string, clusterId: string): Promise<KeptOpening[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const kept = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readOpening(join(folder, name))),
  );
  return kept.flatMap((each) => (each?.opening.clusterId === clusterId ? [each] : []));
}

/** Whether the run may still need its rule: its time is not over, and on this machine its process lives. */
export function isAlive(opening: Opening, now: Date): boolean {
  if (opening.until < now) return false;
  return opening.machine !== hostname() || isProcessAlive(opening.pid);
}

async function readOpening(file: string): Promise<KeptOpening | undefined> {
  try {
    return { file, opening: openingSchema.parse(JSON.parse(await readFile(file, 'utf8'))) };
  } catch {
    return undefined;
  }
}
