import type { Command } from 'commander';
import { type OpenLog, openLog, type Verbosity } from '../system/log.ts';

/** The log of one command on stderr, as much of it as `--quiet` or `--verbose` ask for. */
export async function openCommandLog(command: Command): Promise<OpenLog> {
  const { quiet, verbose } = command.optsWithGlobals<{ quiet?: boolean; verbose?: boolean }>();
  const verbosity: Verbosity = quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
  if (!process.stderr.isTTY) return openLog(process.stderr, { verbosity });
  // Not read where nobody looks: how wide characters are shown takes as long to read as half of the engine.
  const { LiveView } = await import('../system/log/live-view.ts');
  return openLog(process.stderr, { verbosity, liveView: LiveView });
}
