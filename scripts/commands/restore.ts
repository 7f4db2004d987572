import { Command } from 'commander';
import { openArtifact } from '../stages/artifact-file.ts';
import { readStagingConfig, type StagingFlags } from '../stages/config.ts';
import { openLog } from '../system/log.ts';
import { restoreArtifact } from './restore/narrative.ts';
import { reasonOf, withRun } from './run-scope.ts';

/** `refresh restore FILE`: an artifact into staging, with the same safety as a run. */
export function restoreCommand(): Command {
  return new Command('restore')
    .description('loads an artifact into staging with the same safety as run')
    .argument('<file>', 'prod_backup_….sql.zst, or .sql.zst.age with REFRESH_AGE_IDENTITY set')
    .option('--jobs <n>', 'connections that load and build at the same time (default: cores, at least 2)')
    .option('--keep-previous <n>', 'earlier databases kept for a rollback (default: 1)')
    .option('--owner <role>', 'role of staging that owns what production’s owner can’t')
    .option('--json', 'print the result on stdout as JSON')
    .addHelpText(
      'after',
      `
The file is proved to be whole before staging is looked at; what it replaces is kept for a rollback.

Without this program: zstd -dc FILE | psql -X -v ON_ERROR_STOP=1 -d EMPTY_DATABASE
It is complete only if the last line says so.`,
    )
    .action(async (file: string, flags: StagingFlags & { json?: boolean }) => {
      const config = readStagingConfig(flags, process.env);
      await withRun(config, openLog(process.stderr), async (run) => {
        try {
          await using reader = await openArtifact(file, process.env);
          const restored = await restoreArtifact(run, reader);
          run.log.info(
            `${restored.published?.database} is what it was at ${restored.madeAt}; what it replaced is kept as ${restored.published?.previous}`,
          );
          if (flags.json) process.stdout.write(`${JSON.stringify(restored, null, 2)}\n`);
        } catch (error) {
          throw reasonOf(run, error);
        }
      });
    });
}
