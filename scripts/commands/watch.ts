import { Command } from 'commander';
import { workflow } from '../contract.ts';
import { GitHub } from '../github/client.ts';
import { RefreshError } from '../model/errors.ts';
import { requireGitHub } from '../stages/config/github.ts';
import { readNotification } from '../stages/config/notification.ts';
import { noticeFacts } from '../stages/notify/facts.ts';
import { tell } from '../stages/notify.ts';
import { workflowCommand } from '../system/workflow-command.ts';

interface WatchFlags {
  readonly days: string;
  readonly heldUntil?: readonly string[];
  readonly notifyFormat?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const dayMs = 24 * 3600 * 1000;

/** `refresh watch`: the workflow's daily check, which tells when nothing has told anything for too long. */
export function watchCommand(): Command {
  return new Command('watch')
    .description('fails and tells when the workflow has not refreshed staging for so many days')
    .option('--days <n>', 'how many', '8')
    .option('--held-until <time...>', 'dates of a hold: nothing is overdue for so many days after it')
    .option('--notify-format <format>', 'as for run')
    .addHelpText(
      'after',
      `
Needs GITHUB_TOKEN (Actions: read) and GITHUB_REPOSITORY, which GitHub's runners have.

Example:
  GITHUB_TOKEN="$(gh auth token)" GITHUB_REPOSITORY=example/shop npx --no refresh watch --days 8`,
    )
    .action(async (flags: WatchFlags) => watch(flags, process.env));
}

async function watch(flags: WatchFlags, environment: Environment): Promise<void> {
  const days = Number(flags.days);
  if (!Number.isInteger(days) || days < 1) {
    throw new RefreshError('bad-flag', 'has to be a whole number', {
      object: '--days',
      hint: '8 is the default',
    });
  }
  const oldest = new Date(Date.now() - days * dayMs);
  const hold = flags.heldUntil?.find((time) => Date.parse(time) > oldest.getTime());
  if (hold !== undefined) return say(`held until ${hold}`);
  const { access, repository } = requireGitHub(environment);
  const gitHub = new GitHub(access, repository);
  const last = await lastRefresh(gitHub, oldest);
  if (last) return say(`refreshed by the run of ${last}`);
  const { created_at } = await gitHub.workflow(workflow.file);
  if (new Date(created_at) > oldest) return say(`the workflow is there since ${created_at} only`);
  const what = `Staging has not been refreshed for ${days} days`;
  if (environment.GITHUB_ACTIONS) say(workflowCommand('error', what, { title: 'refresh-overdue' }));
  const notification = readNotification(flags, environment);
  if (notification) await tell(notification, noticeFacts('refresh.overdue', what, environment));
  throw new RefreshError('refresh-overdue', what.toLowerCase(), {
    object: `${workflow.path} in ${repository}`,
    hint: 'look at its last runs on the Actions page; is it switched off?',
  });
}

/** When the newest run began that refreshed staging: a run that only looked, or was held, counts for nothing. */
async function lastRefresh(gitHub: GitHub, oldest: Date): Promise<string | undefined> {
  const created = `>=${oldest.toISOString().replace(/\.\d+Z$/, 'Z')}`;
  for (const run of await gitHub.runs(workflow.file, { created })) {
    const jobs = await gitHub.jobs(run.id);
    const refreshed = jobs.some(
      (job) =>
        job.name === workflow.job &&
        job.steps?.some(({ name, conclusion }) => name === workflow.refreshStep && conclusion === 'success'),
    );
    if (refreshed) return run.created_at;
  }
  return undefined;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
