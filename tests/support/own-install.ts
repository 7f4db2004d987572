import { existsSync } from 'node:fs';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresTools } from '../../scripts/local/postgres-install.ts';

/** An extension as its two files (manual, 36.17). */
export interface ExtensionFiles {
  readonly name: string;
  readonly control: string;
  readonly script: string;
}

/**
 * A copy of an installation of PostgreSQL with extensions of the test's own: 17 has no other place for one than the
 * server's own folder. Undefined where the installation is not one that can be moved, as a distribution's.
 */
export async function installWith(
  tools: PostgresTools,
  folder: string,
  ...extensions: readonly ExtensionFiles[]
): Promise<PostgresTools | undefined> {
  const from = join(tools.bindir, '..');
  if (!existsSync(join(from, 'share', 'extension', 'plpgsql.control'))) return undefined;
  await mkdir(folder, { recursive: true });
  // The server looks for its other folders beside its real place: a link would lead it back.
  await cp(join(from, 'bin'), join(folder, 'bin'), { recursive: true, dereference: true });
  await cp(join(from, 'share'), join(folder, 'share'), { recursive: true });
  await symlink(join(from, 'lib'), join(folder, 'lib'));
  for (const { name, control, script } of extensions) {
    await writeFile(controlFile({ bindir: join(folder, 'bin') }, name), control);
    await writeFile(join(folder, 'share', 'extension', `${name}--1.0.sql`), script);
  }
  return { ...tools, bindir: join(folder, 'bin') };
}

/** Without this file the server does not offer the extension any more. */
export function controlFile({ bindir }: Pick<PostgresTools, 'bindir'>, name: string): string {
  return join(bindir, '..', 'share', 'extension', `${name}.control`);
}
