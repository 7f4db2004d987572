import { environmentName, workflow } from '../scripts/contract.ts';
import { expression, type Step, secretEnvironment } from './workflow-step.ts';

/** When the daily check runs, in UTC: at a minute when few others do. */
export const watchSchedule = '37 6 * * *';

export interface Job {
  readonly needs?: string;
  readonly if?: string;
  readonly 'runs-on': string;
  readonly 'timeout-minutes': number;
  readonly permissions?: Readonly<Record<string, 'read' | 'write'>>;
  readonly environment?: string;
  readonly concurrency?: { readonly group: string; readonly 'cancel-in-progress': boolean };
  readonly outputs?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export const runner = 'ubuntu-24.04';

/**
 * "Not this Sunday": scheduled runs only, until the stack's date or that of the repository's variable. What else `date`
 * understands, such as "next monday", would hold each week anew, and so for good.
 */
export function holdJob(holdUntil: string | undefined): Job {
  const run = `for until in "$HOLD_SETTING" "$HOLD_VARIABLE"; do
  [ -n "$until" ] || continue
  if [[ $until != [0-9][0-9][0-9][0-9]-* ]] || ! seconds=$(date -u -d "$until" +%s); then
    echo "::error title=hold::REFRESH_HOLD_UNTIL has to be a date such as 2026-12-24, or empty. No refresh until it is"
    exit 1
  fi
  if [ "$(date -u +%s)" -lt "$seconds" ]; then
    echo "held=true" >> "$GITHUB_OUTPUT"
    echo "::notice title=held::This scheduled refresh is skipped: held until $until"
    echo "⏸️ Held until $until: this scheduled refresh is skipped" >> "$GITHUB_STEP_SUMMARY"
  fi
done
`;
  return {
    if: `github.event_name == 'schedule' && github.event.schedule != '${watchSchedule}'`,
    'runs-on': runner,
    'timeout-minutes': 5,
    permissions: {},
    outputs: { held: expression('steps.hold.outputs.held') },
    steps: [
      {
        name: 'Hold',
        id: 'hold',
        env: holds(holdUntil),
        shell: 'bash',
        run,
      },
    ],
  };
}

function holds(holdUntil: string | undefined) {
  return { HOLD_SETTING: holdUntil ?? '', HOLD_VARIABLE: expression(`vars.${workflow.holdVariable}`) };
}

export interface WatchArgs {
  readonly holdUntil: string | undefined;
  readonly days: number;
  /** Steps that bring the engine. */
  readonly setUp: readonly Step[];
  readonly environment: string | undefined;
  readonly engine: string;
  readonly notifyFlags: string;
  readonly secrets: readonly string[];
}

/** The daily check: it needs nothing of any database, and no secret but the addresses of those who are told. */
export function watchJob(args: WatchArgs): Job {
  const told = secretEnvironment(args.secrets, [environmentName.notifyUrl, environmentName.mailUrl]);
  const environment = Object.keys(told).length > 0 ? args.environment : undefined;
  return {
    if: `github.event_name == 'schedule' && github.event.schedule == '${watchSchedule}'`,
    'runs-on': runner,
    'timeout-minutes': 10,
    permissions: { actions: 'read', contents: 'read' },
    ...(environment === undefined ? {} : { environment }),
    steps: [
      ...args.setUp,
      {
        name: 'Watch for Missing Refreshes',
        env: {
          ...told,
          [environmentName.gitHubToken]: expression('github.token'),
          ...holds(args.holdUntil),
        },
        shell: 'bash',
        run: `exec ${args.engine} watch --days ${args.days} --held-until "$HOLD_SETTING" "$HOLD_VARIABLE"${args.notifyFlags}\n`,
      },
    ],
  };
}

/** A job of its own, since writing contents is a right that the one with the databases' secrets must not have. */
export function dispatchJob(event: string): Job {
  return {
    needs: workflow.job,
    // Also where something after the publishing has failed: staging is new all the same.
    if: `!cancelled() && needs.${workflow.job}.outputs.published == 'true'`,
    'runs-on': runner,
    'timeout-minutes': 5,
    permissions: { contents: 'write' },
    steps: [
      {
        name: 'Tell that Staging is New',
        env: { GH_TOKEN: expression('github.token'), EVENT_TYPE: event },
        shell: 'bash',
        // The token reaches curl on its standard input: an argument could be read by every process.
        run: `printf '{"event_type":"%s","client_payload":{"run_id":"%s"}}' "$EVENT_TYPE" "$GITHUB_RUN_ID" > dispatch.json
printf 'header = "Authorization: Bearer %s"\\n' "$GH_TOKEN" |
  curl -fsS --config - --header 'Accept: application/vnd.github+json' --data @dispatch.json \\
    "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/dispatches"
`,
      },
    ],
  };
}
