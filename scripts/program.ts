import { Command, CommanderError } from 'commander';
import { exitCode } from './contract.ts';
import { asRefreshError, formatError, RefreshError } from './model/errors.ts';
import { keepMemoryOutOfCoreFiles } from './system/core-files.ts';
import { harmless } from './system/visible.ts';

/** The program `refresh` with these commands. */
export async function runProgram(commands: readonly Command[]): Promise<void> {
  keepMemoryOutOfCoreFiles();
  const program = new Command('refresh')
    .option('--quiet', 'say nothing on stderr but warnings and errors')
    .option('--verbose', 'say more: each table and index with its time')
    .description(
      'Puts production’s PostgreSQL data into staging: built beside it, verified, then swapped in.',
    )
    .addHelpText(
      'after',
      `
Environment:
  PRODUCTION_DB_URL, STAGING_DB_URL   postgresql://user:password@host:port/database
  PRODUCTION_DB_CA, STAGING_DB_CA     PEM text of the authority that signed the server's certificate
  PROD_DB_CLUSTER_ID, STAGING_DB_CLUSTER_ID   optional: tell a fork from a replica
  PREVIOUS_STAGING_DB_URL, PREVIOUS_STAGING_DB_CA, PREVIOUS_STAGING_DB_CLUSTER_ID   for fork: the staging in use
  DO_API_TOKEN                        optional: DigitalOcean's backups, disk sizes, trusted sources
  REFRESH_AGE_IDENTITY                optional: secret key of encrypted artifacts, for restore and verify
  REFRESH_NOTIFY_URL                  optional: webhook that is told how a refresh ended
  REFRESH_MAIL_URL                    optional: smtps://USER:PASSWORD@HOST/?from=A&to=B, a mail about the same
  REFRESH_MASK_KEY                    key of the masks that give the same value for the same value
  PG_BINDIR                           folder of pg_dump and pg_restore

Exit codes:
  0 published and verified    2 bad input    3 a precondition failed: nothing was touched
  4 failed    5 verification failed: staging is as it was
  6 published, but something after that failed    130 interrupted: staging is as it was`,
    );

  for (const command of commands) program.addCommand(command);
  speakAsOne(program);
  outliveReaders();
  endOnSignals();

  try {
    refuseConnectionStrings(process.argv.slice(2));
    await program.parseAsync();
  } catch (error) {
    process.exitCode = tell(error);
  }
}

/** Each command and its own: a typing error is told, has its code and its exit status like any other failure. */
function speakAsOne(command: Command): void {
  command.exitOverride().configureHelp({ showGlobalOptions: true });
  command.configureOutput({ outputError: () => undefined });
  for (const inner of command.commands) speakAsOne(inner);
}

/** `| head` that has seen enough is no failure. A run whose stderr nobody reads any more ends: its parent has died. */
function outliveReaders(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** Of commands that have nothing to put back: who has, listens too, and goes when it is done. */
function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // The launcher's own, from before there was anything to be asked.
    process.removeAllListeners(signal);
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(exitCode.interrupted);
    });
  }
}

/** Whoever may list processes reads argv, and commander would repeat what it does not know. */
function refuseConnectionStrings(words: readonly string[]): void {
  if (!words.some((word) => /postgres(ql)?:\/\//i.test(word))) return;
  throw new RefreshError(
    'bad-flag',
    'a connection string on the command line can be read by everybody on this machine',
    {
      hint: 'put it into PRODUCTION_DB_URL or STAGING_DB_URL, and change that password',
    },
  );
}

/** @param message `error: unknown option '--job'` and, on a line of its own, `(Did you mean --jobs?)`. */
function misspelt(message: string): RefreshError {
  const words = message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/s, ': did you mean $1?');
  return new RefreshError('bad-flag', words, {
    hint: '--help behind the command lists its flags; refresh help lists the commands',
  });
}

function tell(cause: unknown): number {
  // Help was printed already, on the stream where it belongs.
  if (cause instanceof CommanderError && /^commander\.(help|version)/.test(cause.code))
    return cause.exitCode === 0 ? exitCode.ok : exitCode.badInput;
  const error = cause instanceof CommanderError ? misspelt(cause.message) : asRefreshError(cause);
  process.stderr.write(`${harmless(formatError(error))}\n`);
  return error.exitCode;
}
