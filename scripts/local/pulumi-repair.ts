import { copyFile, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Stack } from '@pulumi/pulumi/automation/index.js';
import { RefreshError } from '../model/errors.ts';
import { digitalOcean } from './in-process/digitalocean.ts';
import { gitHub } from './in-process/github.ts';
import { isObject, type Properties, type Property, textOf } from './in-process/property.ts';
import type { LocalStack } from './local-stack.ts';
import { endStrayPlugins } from './pulumi-strays.ts';
import { isProcess } from './running-process.ts';
import { projectFolder } from './state-folder.ts';

/** As long as a cluster takes that an abandoned CLI is still waiting for. */
const lockSeconds = 60;

/**
 * Before anything reads the stack: a CLI that outlived its killed command is awaited, its plugins are ended, the lock
 * of one that is gone is removed, and a checkpoint that was cut off in the middle is put back from its own backup.
 */
export async function settleBackend({ folder }: LocalStack): Promise<void> {
  const root = join(folder.pulumiBackend, '.pulumi');
  for (const lock of await filesIn(join(root, 'locks'), '.json')) {
    const { pid } = await readJson(lock);
    if (typeof pid === 'number' && (await outlives(pid))) {
      throw new RefreshError('already-running', 'the stack is locked by another Pulumi', {
        object: `process ${pid}`,
        hint: 'wait for it, or end that process',
      });
    }
    await rm(lock, { force: true });
  }
  await endStrayPlugins(folder);
  for (const checkpoint of await filesIn(join(root, 'stacks'), '.json')) {
    if ('checkpoint' in (await readJson(checkpoint))) continue;
    const backup = `${checkpoint}.bak`;
    if ('checkpoint' in (await readJson(backup))) await copyFile(backup, checkpoint);
    else await rm(checkpoint, { force: true });
  }
  // Beside each file lie its attributes, which may be absent but not cut off.
  for (const attributes of await filesIn(root, '.attrs')) {
    if (Object.keys(await readJson(attributes)).length === 0) await rm(attributes, { force: true });
  }
}

/**
 * Operations that a killed CLI began and nobody knows the outcome of: what they may have made is removed, since a
 * half-made cluster, database, role or variable would stand in the way of its own second creation.
 */
export async function forgetPending(stack: LocalStack, project: Stack): Promise<void> {
  const exported = await project.exportStack();
  const deployment: Properties = exported.deployment ?? {};
  const pending = objectsOf(deployment.pending_operations);
  if (pending.length === 0) return;
  const recorded = new Set(objectsOf(deployment.resources).map((resource) => resource.urn));
  for (const operation of pending) {
    const resource = isObject(operation.resource) ? operation.resource : {};
    if (operation.type === 'creating' && !recorded.has(resource.urn)) await discard(stack, resource);
  }
  await project.importStack({ ...exported, deployment: { ...deployment, pending_operations: [] } });
}

async function discard({ account, apis }: LocalStack, resource: Properties): Promise<void> {
  const type = textOf(resource, 'type') ?? '';
  const kind = digitalOcean.kinds[type] ?? gitHub.kinds[type];
  const provider: Properties =
    type in digitalOcean.kinds
      ? { apiEndpoint: apis.digitalOceanUrl, token: account.digitalOceanToken }
      : { baseUrl: apis.gitHubUrl, token: account.gitHubToken, owner: account.repository.owner };
  await kind?.discard?.({
    folder: projectFolder,
    inputs: isObject(resource.inputs) ? resource.inputs : {},
    provider,
    signal: new AbortController().signal,
    say: () => undefined,
  });
}

async function filesIn(folder: string, ending: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** An empty object for what is absent, cut off, or no object. */
async function readJson(file: string): Promise<Properties> {
  try {
    const value: Property = JSON.parse(await readFile(file, 'utf8'));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

async function outlives(pid: number): Promise<boolean> {
  for (const deadline = Date.now() + lockSeconds * 1000; Date.now() < deadline; await wait(200)) {
    if (!(await isProcess(pid, ['pulumi']))) return false;
  }
  return true;
}

function objectsOf(value: Property | undefined): Properties[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
