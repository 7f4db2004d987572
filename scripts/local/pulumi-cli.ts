import { execFile } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { PulumiCommand } from '@pulumi/pulumi/automation/index.js';
import { type LocalStack, stackEnvironment } from './local-stack.ts';
import { runWithin } from './time-limit.ts';

/** Providers that the program needs; each SDK's package.json names the plugin of its own version. */
const providers = ['command', 'digitalocean', 'github'] as const;

const execute = promisify(execFile);
const installerAddress = 'https://get.pulumi.com/install.sh';
const probeSeconds = 4;
const installSeconds = 120;

/**
 * The Pulumi CLI with every provider at hand: the one on PATH, one installed here before, or what its installer
 * brings. Undefined, with one line that says why, where there is none.
 */
export async function findPulumi(
  stack: LocalStack,
  say: (line: string) => void,
): Promise<PulumiCommand | undefined> {
  const command = (await onPath(stack)) ?? (await install(stack, say));
  if (!command) return undefined;
  const missing = await missingProvider(command, stack);
  if (missing) {
    say(`the Pulumi CLI is here, but its provider ${missing} is not and can't be fetched`);
    return undefined;
  }
  return command;
}

async function onPath(stack: LocalStack): Promise<PulumiCommand | undefined> {
  const { pulumiHome } = stack.folder;
  if (await isProgram(join(pulumiHome, 'bin', 'pulumi')))
    return await PulumiCommand.get({ root: pulumiHome });
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const folder of folders) {
    if (folder !== '' && (await isProgram(join(folder, 'pulumi')))) return await PulumiCommand.get();
  }
  return undefined;
}

async function install(stack: LocalStack, say: (line: string) => void): Promise<PulumiCommand | undefined> {
  try {
    // The installer waits long for a network that isn't there; this tells it in seconds.
    const answer = await fetch(installerAddress, { signal: AbortSignal.timeout(probeSeconds * 1000) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    await answer.body?.cancel();
    say('no Pulumi CLI on PATH: installing it into .local (once)');
    return await runWithin(installSeconds, PulumiCommand.install({ root: stack.folder.pulumiHome }));
  } catch {
    say('no Pulumi CLI on PATH, and its installer is out of reach from here');
    return undefined;
  }
}

/** The first provider that is neither beside the CLI, nor fetched already, nor to be had. */
async function missingProvider(command: PulumiCommand, stack: LocalStack): Promise<string | undefined> {
  const environment = { ...process.env, ...stackEnvironment(stack) };
  const folders = (environment.PATH ?? '').split(delimiter);
  for (const provider of providers) {
    const beside = await Promise.all(
      folders.map((folder) => isProgram(join(folder, `pulumi-resource-${provider}`))),
    );
    if (beside.some(Boolean)) continue;
    // Returns at once for one that is there already.
    const version = await pluginVersion(provider);
    const options = ['plugin', 'install', 'resource', provider, ...(version ? [version] : [])];
    try {
      await execute(command.command, options, { env: environment, timeout: installSeconds * 1000 });
    } catch {
      return provider;
    }
  }
  return undefined;
}

async function pluginVersion(provider: string): Promise<string | undefined> {
  const path = createRequire(import.meta.url).resolve(`@pulumi/${provider}/package.json`);
  const { pulumi, version }: { pulumi?: { version?: string }; version?: string } = JSON.parse(
    await readFile(path, 'utf8'),
  );
  return pulumi?.version ?? version;
}

async function isProgram(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
