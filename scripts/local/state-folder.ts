import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the project: where Pulumi.yaml and index.ts lie. */
export const projectFolder = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Where everything of the local stack lies; the paths are absolute. */
export interface StateFolder {
  readonly root: string;
  /** Shell file for the developer: `. .local/env`. */
  readonly environment: string;
  readonly account: string;
  readonly authority: string;
  readonly production: string;
  /** One folder for each cluster that the emulated API made. */
  readonly clusters: string;
  readonly digitalOceanState: string;
  readonly gitHubState: string;
  readonly requestLog: string;
  readonly daemon: string;
  readonly daemonLog: string;
  readonly command: string;
  readonly inProcessState: string;
  readonly pulumiHome: string;
  readonly pulumiBackend: string;
}

/** `.local` in the project, or the folder that STAGING_REFRESH_STATE names. */
export function stateFolder(environment: NodeJS.ProcessEnv = process.env): StateFolder {
  const chosen = environment.STAGING_REFRESH_STATE;
  return stateFolderAt(chosen ? resolve(chosen) : join(projectFolder, '.local'));
}

export function stateFolderAt(root: string): StateFolder {
  return {
    root,
    environment: join(root, 'env'),
    account: join(root, 'account.json'),
    authority: join(root, 'authority'),
    production: join(root, 'production'),
    clusters: join(root, 'clusters'),
    digitalOceanState: join(root, 'digitalocean.json'),
    gitHubState: join(root, 'github.json'),
    requestLog: join(root, 'requests.log'),
    daemon: join(root, 'daemon.json'),
    daemonLog: join(root, 'daemon.log'),
    command: join(root, 'command.json'),
    inProcessState: join(root, 'in-process.json'),
    pulumiHome: join(root, 'pulumi'),
    pulumiBackend: join(root, 'backend'),
  };
}

/** Makes the folder, readable by its owner alone. Returns whether it was not there before. */
export async function makeStateFolder(folder: StateFolder): Promise<boolean> {
  const made = await mkdir(folder.root, { recursive: true, mode: 0o700 });
  await mkdir(folder.clusters, { recursive: true, mode: 0o711 });
  await mkdir(folder.pulumiBackend, { recursive: true, mode: 0o700 });
  return made !== undefined;
}
