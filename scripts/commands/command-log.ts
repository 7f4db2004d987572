import type { Command } from 'commander';
import { type OpenLog, openLog, type Verbosity } from '../system/log.ts';

/** The log of one command on stderr, as much of it as `--quiet` or `--verbose` ask for. */
export function openCommandLog(command: Command): OpenLog {
  const { quiet, verbose } = command.optsWithGlobals<{ quiet?: boolean; verbose?: boolean }>();
  const verbosity: Verbosity = quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
  return openLog(process.stderr, { verbosity });
}
