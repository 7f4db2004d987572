import { workflow } from '../scripts/contract.ts';
import { namespace } from './setting-problem.ts';
import { checkOut, expression, type Step, secretEnvironment, setUpNode, use } from './workflow-step.ts';
import {
  closeTrustedSources,
  installClient,
  listBackups,
  notify,
  uploadReport,
  type WorkflowStepsArgs,
} from './workflow-steps.ts';

/** What a run needs to apply the stack, as secrets of the repository; those that don't apply stay unset. */
const pulumiSecrets = ['PULUMI_ACCESS_TOKEN', 'PULUMI_BACKEND_URL', 'PULUMI_CONFIG_PASSPHRASE'] as const;

export type ForkStepsArgs = Omit<
  WorkflowStepsArgs,
  'flags' | 'planFlags' | 'doctorFlags' | 'artifactFolder' | 'keepsBackup'
> & {
  /** `ORGANIZATION/PROJECT/STACK`. */
  readonly stack: string;
};

/** A fork is a new cluster, which only the stack can make: these steps run `pulumi up` where others run the engine. */
export function forkSteps(args: ForkStepsArgs): readonly Step[] {
  return [
    ...setUpProgram(args.branch),
    listBackups(args),
    installClient(args),
    { name: 'Install Pulumi', uses: use('pulumi/actions') },
    refresh(args),
    uploadReport(args),
    // The fork's own list is the stack's.
    ...(args.opened.includes('production') ? [closeTrustedSources({ ...args, opened: 'production' })] : []),
    notify(args),
  ];
}

/** The whole repository, which has to be the one that holds this program. */
export function setUpProgram(branch: string): readonly Step[] {
  return [
    checkOut('Check Out the Stack', branch),
    setUpNode(),
    { name: 'Install the Program', shell: 'bash', run: 'npm ci\n' },
  ];
}

/**
 * The trigger is this run's alone and goes into no commit. A run that is started once more has the same one: it goes on
 * with the fork that it has begun. `exec`: a cancelled run signals a step's first process only.
 */
function refresh({ stack, timeoutMinutes }: ForkStepsArgs): Step {
  const run = `for name in ${pulumiSecrets.join(' ')}; do
  [ -n "\${!name}" ] || unset "$name"
done
pulumi stack select "$STACK"
pulumi config set ${namespace}:refreshTrigger "$GITHUB_RUN_ID"
if [ "$INPUT_DRY_RUN" = true ]; then
  exec pulumi preview --non-interactive
fi
exec pulumi up --yes --skip-preview --non-interactive
`;
  return {
    name: workflow.refreshStep,
    id: 'refresh',
    'timeout-minutes': timeoutMinutes,
    env: {
      ...secretEnvironment(pulumiSecrets),
      STACK: stack,
      INPUT_DRY_RUN: expression('inputs.dry_run'),
    },
    shell: 'bash',
    run,
  };
}
