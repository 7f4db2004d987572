import { readdir, readFile } from 'node:fs/promises';
import { endProcess, isProcess } from './running-process.ts';
import type { StateFolder } from './state-folder.ts';

/** What the processes of the CLI and its plugins are called. */
const program = 'pulumi';

/**
 * Ends the plugins of this folder's stack that outlived their CLI: a killed one leaves them behind, and nothing but
 * their environment tells whose they are. Only where there is /proc.
 */
export async function endStrayPlugins(folder: StateFolder): Promise<void> {
  for (const pid of await pluginsOf(folder)) {
    const parent = await parentOf(pid);
    if (parent === undefined || !(await isProcess(parent, [program])))
      await endProcess(pid, [program], { graceSeconds: 3 });
  }
}

async function pluginsOf(folder: StateFolder): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const checked = await Promise.all(
    names
      .map(Number)
      .filter(Number.isInteger)
      .map(async (pid) => ((await isPluginOf(folder, pid)) ? [pid] : [])),
  );
  return checked.flat();
}

async function isPluginOf(folder: StateFolder, pid: number): Promise<boolean> {
  const [command = ''] = (await readOrNothing(`/proc/${pid}/cmdline`)).split('\0');
  if (!/(^|\/)pulumi-(resource|language)-[a-z-]+$/.test(command)) return false;
  const environment = await readOrNothing(`/proc/${pid}/environ`);
  return environment.split('\0').includes(`PULUMI_HOME=${folder.pulumiHome}`);
}

async function parentOf(pid: number): Promise<number | undefined> {
  // The second field is the program's name in parentheses, which may hold anything; the parent comes two after it.
  const fields = (await readOrNothing(`/proc/${pid}/stat`)).split(') ').at(-1)?.split(' ');
  return fields?.[1] === undefined ? undefined : Number(fields[1]);
}

async function readOrNothing(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
