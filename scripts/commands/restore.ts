import { Command } from 'commander';
import { defaultArtifactFolder, defaultReportFile } from '../contract.ts';
import { policyDefault, type RestoreFlags, readRestoreConfig, stallHelp } from '../stages/config.ts';
import { openCommandLog } from './command-log.ts';
import { runRestore } from './restore/narrative.ts';
import { endingOf, type ToldFlags, tell } from './told.ts';

/** `refresh restore FILE`: a backup file into staging, with the same safety as a run. */
export function restoreCommand(): Command {
  return new Command('restore')
    .description('loads a backup file into staging with the same safety as run')
    .argument(
      '<file>',
      'prod_backup_….sql.zst, .sql.zst.age with REFRESH_AGE_IDENTITY set, or a plain dump by pg_dump',
    )
    .option('--jobs <n>', 'connections that load and build at the same time (default: cores, at least 2)')
    .option('--keep-previous <n>', 'earlier databases kept for a rollback (default: 1)')
    .option('--owner <role>', 'role of staging that owns what production’s owner can’t')
    .option('--policy <file>', `data policy, for what it does before publishing ${policyDefault}`)
    .option(
      '--strategy <strategy>',
      'swap: build beside staging and rename; in-place: in staging itself, in one transaction (default: swap)',
    )
    .option('--lock-wait <seconds>', 'in place: how long to wait for a lock on a table (default: 10)')
    .option('--backup-staging', 'first keep staging as it is, as a backup file of its own')
    .option('--artifact <dir>', `where --backup-staging puts it (default: ${defaultArtifactFolder})`)
    .option('--recipient <age key>', 'encrypt that file for this age recipient')
    .option('--report <file>', `where the report goes (default: ${defaultReportFile})`)
    .option('--open-trusted-sources <clusters>', 'staging: let this machine in for the time of the restore')
    .option(
      '--runner-address <address>',
      'this machine’s public IPv4 address, or an https URL that answers with it',
    )
    .option('--notify-format <format>', 'what REFRESH_NOTIFY_URL gets: slack or json (default: slack)')
    .option('--stall-seconds <n>', stallHelp)
    .option('--json', 'print the report on stdout')
    .option('--summary', 'print a short JSON summary on stdout, under 64 kB')
    .addHelpText(
      'after',
      `
The file is proved to be whole before staging is looked at; what it replaces is kept for a rollback, but in place:
there --backup-staging keeps it.
A plain dump (.sql, .sql.gz, .sql.zst) is loaded serially, and its rows are counted: it holds no other proof. With a
policy it goes through a database of its own first, so that masks and conditions apply to it as to production.

Without this program: zstd -dc FILE | psql -X -v ON_ERROR_STOP=1 -d EMPTY_DATABASE
It is complete only if the last line says so.

Example:
  . .local/env && npx --no refresh restore artifacts/prod_backup_20261122_020000.sql.zst`,
    )
    .action(async (file: string, flags: RestoreFlags & ToldFlags, command: Command) => {
      using log = await openCommandLog(command);
      const config = readRestoreConfig(flags, process.env);
      const result = await runRestore(config, file, log);
      if (!result.report.published) log.info(endingOf(result));
      else if (result.page) log.info(`report: ${result.page}`);
      tell(result, flags, config.reportFile);
    });
}
