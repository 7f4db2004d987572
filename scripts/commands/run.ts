import { Command } from 'commander';
import { defaultArtifactFolder, defaultReportFile } from '../contract.ts';
import { policyDefault, type RunFlags, readConfig, stallHelp } from '../stages/config.ts';
import { openCommandLog } from './command-log.ts';
import { runRefresh } from './run/narrative.ts';
import { endingOf, type ToldFlags, tell } from './told.ts';

/** `refresh run`: flags in, progress on stderr, the report where it was asked for. */
export function runCommand(): Command {
  const command = new Command('run')
    .description('the whole refresh: copy, verify, swap in')
    .option('--jobs <n>', 'connections that copy and build at the same time (default: cores, at least 2)')
    .option('--keep-previous <n>', 'earlier databases kept for a rollback (default: 1)')
    .option(
      '--owner <role>',
      'role of staging that owns what production’s owner can’t (default: the database’s owner)',
    )
    .option('--policy <file>', `data policy: what is masked, left out, kept ${policyDefault}`)
    .option('--report <file>', `where the report goes (default: ${defaultReportFile})`)
    .option('--lock-wait <seconds>', 'how long to wait for a lock on a table (default: 10)')
    .option(
      '--strategy <strategy>',
      'swap: build beside staging and rename; in-place: in staging itself, in one transaction (default: swap)',
    )
    .option('--verify <method>', 'counts of rows, or checksums of what is in them (default: counts)')
    .option('--no-analyze', 'gather no statistics: the server’s autovacuum does, when it comes to it')
    .option('--stall-seconds <n>', stallHelp)
    .option(
      '--max-xmin-age-seconds <n>',
      'give up when production’s xmin is held back longer (default: no limit)',
    )
    .option(
      '--max-replay-lag-seconds <n>',
      'give up when the replica that is read lies further behind (default: no limit)',
    )
    .option(
      '--max-blocking-seconds <n>',
      'give up when somebody in production waits longer for a lock of the run (default: 10)',
    )
    .option(
      '--allow-shrink',
      'publish although production has no tables, or less than half of staging’s rows',
    )
    .option(
      '--open-trusted-sources <clusters>',
      'staging, production or staging,production: let this machine in for the time of the run (default: none)',
    )
    .option(
      '--runner-address <address>',
      'this machine’s public IPv4 address, or an https URL that answers with it (default: a server that lets us in says it)',
    )
    .option('--notify-format <format>', 'what REFRESH_NOTIFY_URL gets: slack or json (default: slack)')
    .option('--notify-start', 'tell that a refresh begins, too');
  return withArtifactFlags(command)
    .option('--json', 'print the report on stdout')
    .option('--summary', 'print a short JSON summary on stdout, under 64 kB')
    .addHelpText('after', '\nExample:\n  . .local/env && npx --no refresh run --jobs 4 --json > report.json')
    .action(run);
}

function withArtifactFlags(command: Command): Command {
  return command
    .option('--artifact <dir>', `where the backup file goes (default: ${defaultArtifactFolder})`)
    .option('--no-artifact', 'make no backup file')
    .option(
      '--artifact-content <content>',
      'copied: what staging gets; full: production’s rows as they are, which needs --recipient (default: copied)',
    )
    .option('--recipient <age key>', 'encrypt the backup file for this age recipient')
    .option(
      '--keep-artifacts <n>',
      'keep this many backup files of this production database in the folder (default: all)',
    )
    .option(
      '--keep-artifacts-days <n>',
      'keep this database’s backup files of the last so many days (default: all)',
    )
    .option('--backup-staging', 'first keep staging as it is, as a backup file beside the other: for restore')
    .option('--rehearse', 'restore the backup file into a database of its own, compare, and drop it');
}

async function run(flags: RunFlags & ToldFlags, command: Command): Promise<void> {
  using log = await openCommandLog(command);
  const config = readConfig(flags, process.env);
  const result = await runRefresh(config, log);
  log.info(endingOf(result));
  tell(result, flags, config.reportFile);
}
