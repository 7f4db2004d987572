import { cp, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What the program reads, and nothing that a run leaves behind. */
export const parts: readonly string[] = [
  'components',
  'scripts',
  'index.ts',
  'package.json',
  'package-lock.json',
  'Pulumi.yaml',
];

/** A project folder of a stack's own. */
export async function copyProject(folder: string): Promise<void> {
  const present = await readdir(repository);
  for (const part of parts.filter((name) => present.includes(name))) {
    await cp(join(repository, part), join(folder, part), { recursive: true });
  }
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'refresh.policy.yaml'), 'version: 1\nunlisted: copy\n');
}
