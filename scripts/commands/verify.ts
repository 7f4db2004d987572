import { Command } from 'commander';
import { openArtifact } from '../stages/artifact-file.ts';
import { readStagingConfig, type StagingFlags } from '../stages/config.ts';
import { openCommandLog } from './command-log.ts';
import { rehearseArtifact } from './restore/rehearsal.ts';
import { reasonOf, withRun } from './run-scope.ts';

/** `refresh verify FILE`: proves that an artifact can be restored, by doing it. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('restores an artifact into a database of its own, compares, and drops it')
    .argument('<file>', 'prod_backup_….sql.zst, or .sql.zst.age with REFRESH_AGE_IDENTITY set')
    .option('--jobs <n>', 'connections that load and build at the same time (default: cores, at least 2)')
    .option('--json', 'print the result on stdout as JSON')
    .addHelpText('after', '\nThe database is made beside staging’s, which is not touched.')
    .action(async (file: string, flags: StagingFlags & { json?: boolean }, command: Command) => {
      using log = openCommandLog(command);
      const config = readStagingConfig(flags, process.env);
      await withRun(config, log, async (run) => {
        try {
          await using reader = await openArtifact(file, process.env);
          const rehearsed = await rehearseArtifact(run, reader);
          run.log.info(`${file} can be restored: it is the database as it was at ${rehearsed.madeAt}`);
          if (flags.json) process.stdout.write(`${JSON.stringify(rehearsed, null, 2)}\n`);
        } catch (error) {
          throw reasonOf(run, error);
        }
      });
    });
}
