import { Command } from 'commander';
import { defaultReportFile } from '../contract.ts';
import { type ForkFlags, readForkConfig } from '../stages/config/fork.ts';
import { policyDefault, stallHelp } from '../stages/config.ts';
import { openCommandLog } from './command-log.ts';
import { runFork } from './fork/narrative.ts';
import { type ToldFlags, tell } from './told.ts';

/** `refresh fork`: makes a staging of a cluster that was made from production's managed backup. */
export function forkCommand(): Command {
  return new Command('fork')
    .description(
      'makes a staging of a new cluster that holds production’s backup: for data too large to copy',
    )
    .option('--jobs <n>', 'tables that are treated at the same time (default: cores, at least 2)')
    .option('--owner <role>', 'role that owns what staging’s own steps make (default: the database’s owner)')
    .option('--policy <file>', `data policy ${policyDefault}`)
    .option('--report <file>', `where the report goes (default: ${defaultReportFile})`)
    .option(
      '--runner-address <address>',
      'this machine’s public IPv4 address, or an https URL that answers with it',
    )
    .option(
      '--open-trusted-sources <clusters>',
      'production: let this machine in there for the time of the run (default: none)',
    )
    .option('--notify-format <format>', 'what REFRESH_NOTIFY_URL gets: slack or json (default: slack)')
    .option('--notify-start', 'tell that it begins, too')
    .option('--stall-seconds <n>', stallHelp)
    .option('--json', 'print the report on stdout')
    .option('--summary', 'print a short JSON summary on stdout, under 64 kB')
    .addHelpText(
      'after',
      `
STAGING_DB_URL is the new cluster's administrator, STAGING_DB_CLUSTER_ID its id, PRODUCTION_DB_URL production as ever;
PREVIOUS_STAGING_DB_URL and PREVIOUS_STAGING_DB_CA, where there is a staging already, are where its own rows come from.
DO_API_TOKEN and both cluster ids are needed: the cluster is closed to everybody else before anything is done, every
password is changed, and it stays closed until its trusted sources are set. pulumi up does all of it.

What dies halfway goes on when it is run again with the same policy; the staging in use is only read.

Example (with the new cluster's variables set, as pulumi up sets them):
  npx --no refresh fork --policy refresh.policy.yaml`,
    )
    .action(async (flags: ForkFlags & ToldFlags, command: Command) => {
      using log = await openCommandLog(command);
      const config = readForkConfig(flags, process.env);
      const result = await runFork(config, log);
      if (result.page) log.info(`report: ${result.page}`);
      tell(result, flags, config.reportFile);
    });
}
