import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startRun } from './engine-run.ts';
import type { Field } from './field.ts';

/** A command of the engine's that a fault strikes, and what staging is if it goes through. */
export interface Act {
  /** Words of the command line before the flags that all commands have. */
  readonly command: readonly string[];
  readonly generation: number;
}

/** A backup file of an earlier generation, made once for each field. */
const backups = new WeakMap<Field, { readonly file: string; readonly generation: number }>();

/** `restore` of a generation that staging is not now. */
export async function restoring(field: Field): Promise<Act> {
  const backup = backups.get(field) ?? (await makeBackup(field));
  backups.set(field, backup);
  if ((await field.staging()).generation === backup.generation) await refresh(field);
  return { command: ['restore', backup.file], generation: backup.generation };
}

/** `rollback` to what staging was before a refresh without faults. */
export async function rollingBack(field: Field): Promise<Act> {
  const { generation } = await field.staging();
  await refresh(field);
  return { command: ['rollback'], generation };
}

/** A refresh of a staging that has something to go back to. */
export async function refreshing(field: Field): Promise<Act> {
  await refresh(field);
  await field.nextGeneration();
  return { command: ['run'], generation: field.generation };
}

async function makeBackup(field: Field): Promise<{ file: string; generation: number }> {
  const artifacts = join(field.folder, 'backup');
  mkdirSync(artifacts, { recursive: true });
  await refresh(field, artifacts);
  const name = readdirSync(artifacts).find((file) => file.endsWith('.sql.zst'));
  if (!name) throw new Error('a refresh writes a backup file');
  return { file: join(artifacts, name), generation: field.generation };
}

async function refresh(field: Field, artifacts?: string): Promise<void> {
  await field.nextGeneration();
  const { code, stderr } = await (await startRun(field, [], artifacts ? { artifacts } : {})).ended;
  if (code !== 0) throw new Error(`a refresh without a fault failed:\n${stderr}`);
}
