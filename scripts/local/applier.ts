import type { PulumiCommand } from '@pulumi/pulumi/automation/index.js';
import { RefreshError } from '../model/errors.ts';
import { type Applier, saveAccount } from './account.ts';
import { applyInProcess, destroyInProcess } from './in-process/apply.ts';
import { configText } from './in-process/project.ts';
import type { Properties } from './in-process/property.ts';
import { type LocalStack, localConfig, stackEnvironment, stackName } from './local-stack.ts';
import { applyWithPulumi, destroyWithPulumi } from './pulumi-apply.ts';
import { findPulumi } from './pulumi-cli.ts';
import { linesOfPulumi } from './pulumi-output.ts';
import { projectFolder } from './state-folder.ts';

export interface ApplierOptions {
  readonly stack: LocalStack;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Applied {
  readonly applier: Applier;
  /** The stack's outputs, revealed. */
  readonly outputs: Properties;
}

/** Applies index.ts: by the real Pulumi where it can be had, else in this process. A stack stays with who began it. */
export async function applyStack(options: ApplierOptions): Promise<Applied> {
  const { stack, say } = options;
  Object.assign(process.env, stackEnvironment(stack));
  const command = await chooseApplier(options);
  const applier: Applier = command ? 'pulumi' : 'in-process';
  if (stack.account.applier !== applier) await saveAccount(stack.folder, { ...stack.account, applier });
  if (command) {
    say(`applying index.ts with Pulumi ${command.version ?? ''} and the real providers`);
    return { applier, outputs: await applyWithPulumi({ ...options, command, write: linesOfPulumi(say) }) };
  }
  say(`applying index.ts: ${describeApplier(applier)}`);
  const { outputs } = await applyInProcess(inProcessOptions(options));
  return { applier, outputs };
}

export function describeApplier(applier: Applier): string {
  if (applier === 'pulumi') return 'by Pulumi with the real providers';
  const asked = process.env.STAGING_REFRESH_APPLIER === 'in-process';
  return `in-process apply (${asked ? 'as STAGING_REFRESH_APPLIER asks' : 'no Pulumi CLI on this machine'})`;
}

/** Takes everything of the stack down. Does nothing for a stack that was never applied. */
export async function destroyStack(options: ApplierOptions): Promise<void> {
  const { stack, say } = options;
  Object.assign(process.env, stackEnvironment(stack));
  if (stack.account.applier === undefined) return;
  const command = await chooseApplier(options);
  if (command) await destroyWithPulumi({ ...options, command, write: linesOfPulumi(say) });
  else await destroyInProcess(inProcessOptions(options));
}

async function chooseApplier({ stack, say }: ApplierOptions): Promise<PulumiCommand | undefined> {
  if (stack.account.applier === 'in-process') return undefined;
  if (stack.account.applier === undefined && process.env.STAGING_REFRESH_APPLIER === 'in-process')
    return undefined;
  const command = await findPulumi(stack, say);
  if (command || stack.account.applier === undefined) return command;
  throw new RefreshError(
    'tool-missing',
    'the stack was begun with the Pulumi CLI, which is not to be found now',
    {
      object: 'pulumi',
      hint: 'put it back on PATH, and run the same command again',
    },
  );
}

function inProcessOptions({ stack, signal, say }: ApplierOptions) {
  const { plain, secret } = localConfig(stack);
  const texts = Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, configText(value)]));
  return {
    folder: projectFolder,
    stateFile: stack.folder.inProcessState,
    passphrase: stack.account.passphrase,
    stack: stackName,
    config: { ...texts, ...secret },
    secretKeys: Object.keys(secret),
    signal,
    write: say,
  };
}
