import { Command } from 'commander';
import { moment } from '../model/figures.ts';
import type { StagingRun } from '../model/run.ts';
import { openMaintenanceSession } from '../postgres/run-lock.ts';
import { sessionOptions } from '../postgres/run-sessions.ts';
import { readStagingConfig, type StagingFlags, stallHelp } from '../stages/config.ts';
import { preflightStaging } from '../stages/preflight/staging.ts';
import { type Earlier, listEarlier, rollback } from '../stages/rollback.ts';
import { formatBytes } from '../system/log.ts';
import { harmless } from '../system/visible.ts';
import { openCommandLog } from './command-log.ts';
import { reasonOf, withRun } from './run-scope.ts';

interface RollbackFlags extends StagingFlags {
  readonly list?: boolean;
  readonly to?: string;
  readonly json?: boolean;
}

/** `refresh rollback`: staging as it was before the last refresh, by rename. */
export function rollbackCommand(): Command {
  return new Command('rollback')
    .description('staging as it was before the last refresh, in seconds')
    .option('--list', 'show what there is to go back to, and change nothing')
    .option('--to <database>', 'go back to this one (default: the newest)')
    .option('--stall-seconds <n>', stallHelp)
    .option('--json', 'print the result on stdout as JSON')
    .addHelpText(
      'after',
      '\nWhat is replaced is kept: a second rollback brings it back.\n\nExample:\n  . .local/env && npx --no refresh rollback --list',
    )
    .action(async (flags: RollbackFlags, command: Command) => {
      const config = readStagingConfig(flags, process.env);
      using log = await openCommandLog(command);
      await withRun(config, log, async (run) => {
        try {
          if (flags.list) return print(flags, await list(run));
          log.phase('preflight');
          const { server, maintenance } = await preflightStaging(run);
          await using _maintenance = maintenance;
          log.phase('publish');
          const published = await rollback(run, server, maintenance, flags.to);
          log.info(
            `${published.database} is what it was; what it replaced is kept as ${published.previous ?? ''}`,
          );
          if (flags.json) process.stdout.write(`${JSON.stringify(published, null, 2)}\n`);
        } catch (error) {
          throw reasonOf(run, error);
        }
      });
    });
}

/** Takes no lock: it may be asked while a refresh is under way. */
async function list(run: StagingRun): Promise<Earlier[]> {
  const { staging } = run.config;
  await using maintenance = await openMaintenanceSession(staging, sessionOptions(run, 'staging'));
  return await listEarlier(maintenance, staging.database);
}

function print(flags: RollbackFlags, earlier: readonly Earlier[]): void {
  const lines = earlier.map(
    ({ name, setAsideAt, bytes }) => `${moment(setAsideAt)}  ${formatBytes(bytes).padStart(9)}  ${name}`,
  );
  const text = lines.length > 0 ? lines.join('\n') : 'there is no earlier database';
  process.stdout.write(`${flags.json ? JSON.stringify(earlier, null, 2) : harmless(text)}\n`);
}
