import { Command } from 'commander';
import { GitHub } from '../github/client.ts';
import { RefreshError } from '../model/errors.ts';
import { requireGitHub } from '../stages/config/github.ts';
import { onInterruption } from '../system/interruption.ts';
import { openCommandLog } from './command-log.ts';
import { carryOutOnGitHub } from './dispatch/narrative.ts';

interface DispatchFlags {
  readonly repository?: string;
  readonly ref: string;
  readonly poll: string;
}

/** `refresh dispatch`: a refresh that GitHub's runner carries out, as if it ran here. */
export function dispatchCommand(): Command {
  return new Command('dispatch')
    .description(
      'starts the workflow on GitHub, follows it, and prints its summary: this machine sees no data',
    )
    .option('--repository <owner/name>', 'where the workflow is (default: GITHUB_REPOSITORY)')
    .option('--ref <branch>', 'branch that holds the workflow', 'main')
    .option('--poll <seconds>', 'how often to look', '5')
    .addHelpText(
      'after',
      `
Needs GITHUB_TOKEN (fine-grained: Actions read and write; classic: repo). Interrupted, it cancels the run.
Exit codes are those of the refresh.

Example:
  GITHUB_TOKEN="$(gh auth token)" npx --no refresh dispatch --repository example/shop`,
    )
    .action(async (flags: DispatchFlags, command: Command) => {
      using log = await openCommandLog(command);
      const pollMs = Number(flags.poll) * 1000;
      if (!(pollMs > 0)) {
        throw new RefreshError('bad-flag', 'has to be a number of seconds', {
          object: '--poll',
          hint: '5 is the default',
        });
      }
      const { access, repository } = requireGitHub(process.env, flags.repository);
      const controller = new AbortController();
      const released = onInterruption(
        (reason) => controller.abort(reason),
        (text) => log.info(text),
      );
      try {
        const { summary, error } = await carryOutOnGitHub({
          gitHub: new GitHub(access, repository, { signal: controller.signal }),
          // What ends an interrupted run must not be interrupted itself.
          ending: new GitHub(access, repository),
          ref: flags.ref,
          pollMs,
          signal: controller.signal,
          log,
        });
        if (summary) process.stdout.write(`${JSON.stringify(summary)}\n`);
        if (error) throw error;
      } finally {
        released();
      }
    });
}
