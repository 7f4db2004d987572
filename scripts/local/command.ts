import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { asRefreshError, formatError, RefreshError } from '../model/errors.ts';
import { makeStateFolder, type StateFolder, stateFolder } from './state-folder.ts';
import { takeTurn } from './turn.ts';

export interface CommandContext {
  readonly folder: StateFolder;
  /** Aborted by Ctrl-C or SIGTERM; its reason is the signal's name. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * Runs one command of the local stack, alone in its folder, and sets the exit code. An interruption is passed on to
 * what is under way and awaited; a second one ends the process.
 */
export async function runCommand(work: (context: CommandContext) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130);
    say('interrupted: waiting for what is under way (once more: now)');
    controller.abort(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  const folder = stateFolder();
  let isNew = false;
  try {
    isNew = await makeStateFolder(folder);
    await takeTurn(folder, async () => {
      await work({ folder, signal: controller.signal, say });
      if (controller.signal.aborted) throw interrupted();
    });
  } catch (error) {
    const known = controller.signal.aborted ? interrupted(error) : asRefreshError(error);
    process.stderr.write(`${formatError(known)}\n`);
    process.exitCode = known.exitCode;
  } finally {
    // A command that came to nothing leaves nothing.
    if (isNew && !existsSync(folder.account)) await rm(folder.root, { recursive: true, force: true });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, interrupt);
  }
}

/** Ends the command between two steps once it was interrupted. */
export function heed(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function interrupted(cause?: unknown): RefreshError {
  return new RefreshError('interrupted', 'interrupted', {
    cause,
    hint: 'npm start goes on from here; npm run destroy takes everything down',
  });
}
