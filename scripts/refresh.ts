import { Command, CommanderError } from 'commander';
import { runCommand } from './commands/run.ts';
import { exitCode } from './contract.ts';
import { asRefreshError, formatError } from './model/errors.ts';

const commands = [runCommand()];

const program = new Command('refresh')
  .description('Puts production’s PostgreSQL data into staging: built beside it, verified, then swapped in.')
  .addHelpText(
    'after',
    `
Environment:
  PRODUCTION_DB_URL, STAGING_DB_URL   postgresql://user:password@host:port/database
  PRODUCTION_DB_CA, STAGING_DB_CA     PEM text of the authority that signed the server's certificate
  PROD_DB_CLUSTER_ID, STAGING_DB_CLUSTER_ID   optional: tell a fork from a replica
  PG_BINDIR                           folder of pg_dump and pg_restore

Exit codes:
  0 published and verified    2 bad input    3 a precondition failed: nothing was touched
  4 failed    5 verification failed: staging is as it was
  6 published, but something after that failed    130 interrupted: staging is as it was`,
  );

for (const command of [program, ...commands]) {
  command.exitOverride().showHelpAfterError('HINT: --help lists what there is').showSuggestionAfterError();
}
for (const command of commands) program.addCommand(command);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = tell(error);
}

function tell(cause: unknown): number {
  // commander has said it already, on the stream where it belongs.
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? exitCode.ok : exitCode.badInput;
  const error = asRefreshError(cause);
  process.stderr.write(`${formatError(error)}\n`);
  return error.exitCode;
}
