import { Command } from 'commander';
import { openBackup } from '../stages/artifact-file.ts';
import { readStagingConfig, type StagingFlags, stallHelp } from '../stages/config.ts';
import { openCommandLog } from './command-log.ts';
import { rehearseFile } from './restore/rehearsal.ts';
import { reasonOf, withRun } from './run-scope.ts';

/** `refresh verify FILE`: proves that an artifact can be restored, by doing it. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('restores a backup file into a database of its own, compares, and drops it')
    .argument(
      '<file>',
      'prod_backup_….sql.zst, .sql.zst.age with REFRESH_AGE_IDENTITY set, or a plain dump by pg_dump',
    )
    .option('--jobs <n>', 'connections that load and build at the same time (default: cores, at least 2)')
    .option('--stall-seconds <n>', stallHelp)
    .option('--json', 'print the result on stdout as JSON')
    .addHelpText(
      'after',
      '\nThe database is made beside staging’s, which is not touched.\n\nExample:\n  . .local/env && npx --no refresh verify artifacts/prod_backup_20261122_020000.sql.zst',
    )
    .action(async (file: string, flags: StagingFlags & { json?: boolean }, command: Command) => {
      using log = await openCommandLog(command);
      const config = readStagingConfig(flags, process.env);
      await withRun(config, log, async (run) => {
        try {
          const backup = await openBackup(file, process.env);
          await using _reader = backup.kind === 'artifact' ? backup.reader : undefined;
          const rehearsed = await rehearseFile(run, backup);
          const asOf = rehearsed.madeAt ? `: it is the database as it was at ${rehearsed.madeAt}` : '';
          run.log.info(`${file} can be restored${asOf}`);
          if (flags.json) process.stdout.write(`${JSON.stringify(rehearsed, null, 2)}\n`);
        } catch (error) {
          throw reasonOf(run, error);
        }
      });
    });
}
