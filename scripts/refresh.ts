import { Command, CommanderError } from 'commander';
import { runRefresh } from './commands/run.ts';
import { defaultReportFile, exitCode } from './contract.ts';
import { asRefreshError, formatError } from './model/errors.ts';
import { type RunFlags, readConfig } from './stages/config.ts';
import { summarise } from './stages/report.ts';
import { openLog } from './system/log.ts';

const program = new Command('refresh')
  .description('Puts production’s PostgreSQL data into staging: built beside it, verified, then swapped in.')
  .exitOverride()
  .showHelpAfterError('HINT: refresh --help lists the commands and flags')
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

program
  .command('run')
  .description('the whole refresh')
  .option('--jobs <n>', 'connections that copy and build at the same time (default: cores, at least 2)')
  .option('--keep-previous <n>', 'earlier databases kept for a rollback (default: 1)')
  .option(
    '--owner <role>',
    'role of staging that owns what production’s owner can’t (default: the database’s owner)',
  )
  .option('--report <file>', `where the report goes (default: ${defaultReportFile})`)
  .option('--lock-wait <seconds>', 'how long to wait for a lock on production’s tables (default: 10)')
  .option('--allow-shrink', 'publish although production has no tables')
  .option('--json', 'print the report on stdout')
  .option('--summary', 'print a short JSON summary on stdout, under 64 kB')
  .addHelpText('after', '\nExample:\n  . .local/env && npx --no refresh run --jobs 4 --json > report.json')
  .action(async (flags: RunFlags & { json?: boolean; summary?: boolean }) => {
    const config = readConfig(flags, process.env);
    const { report, error } = await runRefresh(config, openLog(process.stderr));
    if (flags.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    if (flags.summary) process.stdout.write(`${JSON.stringify(summarise(report, config.reportFile))}\n`);
    if (error) fail(error);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.badInput;
  else fail(error);
}

function fail(cause: unknown): void {
  const error = asRefreshError(cause);
  process.stderr.write(`${formatError(error)}\n`);
  process.exitCode = error.exitCode;
}
