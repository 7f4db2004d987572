import { Command } from 'commander';
import { defaultReportFile } from '../contract.ts';
import { type RunFlags, readConfig } from '../stages/config.ts';
import { summarise } from '../stages/report.ts';
import { openLog } from '../system/log.ts';
import { runRefresh } from './run/narrative.ts';

/** `refresh run`: flags in, progress on stderr, the report where it was asked for. */
export function runCommand(): Command {
  return new Command('run')
    .description('the whole refresh: copy, verify, swap in')
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
      if (error) throw error;
    });
}
