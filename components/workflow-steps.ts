import { defaultReportFile, environmentName, glibcTunables, workflow } from '../scripts/contract.ts';
import { checkOutEngine, expression, type Step, secretEnvironment, setUpNode, use } from './workflow-step.ts';

export interface WorkflowStepsArgs {
  readonly branch: string;
  readonly postgresqlVersion: number;
  readonly timeoutMinutes: number;
  /** Shell command of the engine, without a command of its own. */
  readonly engine: string;
  /** Words after the engine's `run`. */
  readonly flags: string;
  /** Of those, what `plan` and `doctor` know, too. */
  readonly planFlags: string;
  readonly doctorFlags: string;
  /** `staging,production` as `sweep` takes it; empty: no list is ever changed. */
  readonly opened: string;
  readonly schedule: string;
  readonly notifyFlags: string;
  readonly secrets: readonly string[];
  /** Whether a refresh makes a backup file at all. */
  readonly keepsBackup: boolean;
  readonly artifactFolder: string;
  readonly artifactRetentionDays: number;
}

const { digitalOceanToken, productionClusterId, stagingClusterId, notifyUrl, mailUrl } = environmentName;
const artifactName = `${workflow.artifactName}-${expression('github.run_number')}`;

/**
 * The steps of a refresh. The backup is uploaded before anything is removed; what stands after the refresh runs whatever
 * happened before it. `exec`: a cancelled run signals a step's first process only, and that must be the engine.
 */
export function workflowSteps(args: WorkflowStepsArgs): readonly Step[] {
  return [
    checkOutEngine(args.branch, workflow.folder),
    setUpNode(),
    maskDerived(args),
    listBackups(args),
    installClient(args),
    debug(args),
    plan(args),
    refresh(args),
    ...(args.keepsBackup ? [uploadBackup(args)] : []),
    uploadReport(args),
    ...(args.opened === '' ? [] : [closeTrustedSources(args)]),
    cleanUp(args),
    notify(args, args.keepsBackup ? toldOfBackup : undefined),
  ];
}

function maskDerived({ engine, secrets }: WorkflowStepsArgs): Step {
  return {
    name: 'Mask Derived Values',
    env: secretEnvironment(secrets),
    shell: 'bash',
    run: `exec ${engine} mask\n`,
  };
}

/** What it can't tell, the refresh finds out by itself, and judges: an API that is down stops nothing. */
export function listBackups({ engine, secrets }: Pick<WorkflowStepsArgs, 'engine' | 'secrets'>): Step {
  return {
    name: 'Verify Cluster ID, List Databases and Production Database Backups',
    'continue-on-error': true,
    env: secretEnvironment(secrets, [digitalOceanToken, productionClusterId]),
    shell: 'bash',
    run: `exec ${engine} backups\n`,
  };
}

/** A runner that has the programs keeps them. The id is the fingerprint of the key that signs apt.postgresql.org. */
export function installClient({ postgresqlVersion }: Pick<WorkflowStepsArgs, 'postgresqlVersion'>): Step {
  const run = `bindir=\${PG_BINDIR:-/usr/lib/postgresql/${postgresqlVersion}/bin}
if [ ! -x "$bindir/pg_dump" ]; then
  keyring=/usr/share/postgresql-common/pgdg/apt.postgresql.org.asc
  sudo install -d "$(dirname "$keyring")"
  sudo curl -fsSL --retry 3 -o "$keyring" https://www.postgresql.org/media/keys/ACCC4CF8.asc
  gpg --show-keys --with-colons "$keyring" | grep '^fpr:::::::::B97B0AFCAA1A47F044F244A07FCC7D46ACCC4CF8:'
  . /etc/os-release
  echo "deb [signed-by=$keyring] https://apt.postgresql.org/pub/repos/apt $VERSION_CODENAME-pgdg main" |
    sudo tee /etc/apt/sources.list.d/pgdg.list
  sudo apt-get update
  sudo apt-get install -y --no-install-recommends postgresql-client-${postgresqlVersion}
fi
"$bindir/pg_dump" --version
echo "PG_BINDIR=$bindir" >> "$GITHUB_ENV"
`;
  return { name: `Install PostgreSQL ${postgresqlVersion} Client`, shell: 'bash', run };
}

/** On request, or when GitHub's own debug logging is on. */
function debug({ engine, doctorFlags, secrets }: WorkflowStepsArgs): Step {
  return {
    name: 'Debug Database Connections',
    if: `inputs.debug || runner.debug == '1'`,
    'continue-on-error': true,
    env: secretEnvironment(secrets),
    shell: 'bash',
    run: `df -h .\nexec ${engine} doctor${doctorFlags}\n`,
  };
}

function plan({ engine, planFlags, secrets }: WorkflowStepsArgs): Step {
  const run = `set --
[ -z "$INPUT_JOBS" ] || set -- "$@" --jobs "$INPUT_JOBS"
exec ${engine} plan${planFlags} --markdown "$@" >> "$GITHUB_STEP_SUMMARY"
`;
  return {
    name: 'Dry Run: Plan',
    if: 'inputs.dry_run',
    env: { ...secretEnvironment(secrets), INPUT_JOBS: expression('inputs.jobs') },
    shell: 'bash',
    run,
  };
}

/** An input that was left as it is adds no flag. */
function refresh({ engine, flags, secrets, timeoutMinutes }: WorkflowStepsArgs): Step {
  const run = `set --
[ -z "$INPUT_JOBS" ] || set -- "$@" --jobs "$INPUT_JOBS"
[ "\${INPUT_VERIFY:-counts}" = counts ] || set -- "$@" --verify "$INPUT_VERIFY"
[ "$INPUT_ALLOW_SHRINK" != true ] || set -- "$@" --allow-shrink
[ "$INPUT_SKIP_ARTIFACT" != true ] || set -- "$@" --no-artifact
exec ${engine} run ${flags} "$@" > ${workflow.summaryFile}
`;
  return {
    name: workflow.refreshStep,
    id: 'refresh',
    if: '!inputs.dry_run',
    'timeout-minutes': timeoutMinutes,
    env: {
      ...secretEnvironment(secrets),
      INPUT_JOBS: expression('inputs.jobs'),
      INPUT_VERIFY: expression('inputs.verify'),
      INPUT_ALLOW_SHRINK: expression('inputs.allow_shrink'),
      INPUT_SKIP_ARTIFACT: expression('inputs.skip_artifact'),
      // What a process can't tell itself any more: less memory for many tables.
      GLIBC_TUNABLES: glibcTunables,
    },
    shell: 'bash',
    run,
  };
}

/** Whole files alone: what a run has not finished is called `.partial`, and one that fails may leave none. */
function uploadBackup({ artifactFolder, artifactRetentionDays }: WorkflowStepsArgs): Step {
  return {
    name: 'Upload Backup Artifact',
    id: 'backup',
    if: `always() && steps.refresh.outcome != 'skipped' && !inputs.skip_artifact`,
    uses: use('actions/upload-artifact'),
    with: {
      name: artifactName,
      path: `${artifactFolder}/\n!${artifactFolder}/*.partial\n!${artifactFolder}/refresh-report_*\n`,
      'retention-days': artifactRetentionDays,
      // The backup is compressed already.
      'compression-level': 0,
      'if-no-files-found': expression("steps.refresh.outcome == 'success' && 'warn' || 'ignore'"),
    },
  };
}

export function uploadReport({
  artifactRetentionDays,
}: Pick<WorkflowStepsArgs, 'artifactRetentionDays'>): Step {
  return {
    name: 'Upload Report',
    if: `always() && steps.refresh.outcome != 'skipped'`,
    uses: use('actions/upload-artifact'),
    with: {
      name: `${workflow.reportArtifactName}-${expression('github.run_number')}`,
      path: `${reportFiles}\n${workflow.summaryFile}\n`,
      'retention-days': artifactRetentionDays,
      'if-no-files-found': 'ignore',
    },
  };
}

const reportFiles = defaultReportFile.replace(/\.json$/, '.*');

/** Nothing to do unless the refresh was killed: it takes its rules away itself. */
export function closeTrustedSources({
  engine,
  opened,
  secrets,
}: Pick<WorkflowStepsArgs, 'engine' | 'opened' | 'secrets'>): Step {
  return {
    name: 'Close Trusted Sources',
    if: 'always()',
    env: secretEnvironment(secrets, [digitalOceanToken, productionClusterId, stagingClusterId]),
    shell: 'bash',
    run: `exec ${engine} sweep ${opened}\n`,
  };
}

/** The report stays for the next step; it holds no row. */
function cleanUp({ artifactFolder }: WorkflowStepsArgs): Step {
  return { name: 'Cleanup', if: 'always()', shell: 'bash', run: `rm -rf ${artifactFolder}\n` };
}

/** What a run says at its end, whatever that was. */
export function notify(
  {
    engine,
    notifyFlags,
    schedule,
    secrets,
  }: Pick<WorkflowStepsArgs, 'engine' | 'notifyFlags' | 'schedule' | 'secrets'>,
  told: typeof toldOfBackup | undefined = undefined,
): Step {
  const run = `${told?.script ?? ''}if ! ${engine} notify --outcome "$REFRESH_OUTCOME" --schedule "$SCHEDULE"${told?.flags ?? ''}${notifyFlags}; then
  echo "❌ Database backup/restore failed! Please check logs: $RUN_URL" | tee -a "$GITHUB_STEP_SUMMARY"
fi
`;
  return {
    name: 'Notification',
    id: 'notification',
    if: 'always() && !inputs.dry_run',
    env: {
      ...secretEnvironment(secrets, [notifyUrl, mailUrl]),
      REFRESH_OUTCOME: expression('steps.refresh.outcome'),
      SCHEDULE: schedule,
      ...told?.env,
      RUN_URL: `${expression('github.server_url')}/${expression('github.repository')}/actions/runs/${expression('github.run_id')}`,
    },
    shell: 'bash',
    run,
  };
}

/** GitHub may have refused the backup, when its storage is full: then there is no artifact of any name. */
const toldOfBackup = {
  env: { ARTIFACT_NAME: artifactName, UPLOAD_OUTCOME: expression('steps.backup.outcome') },
  script: '[ "$UPLOAD_OUTCOME" != failure ] || ARTIFACT_NAME=\n',
  flags: ' --artifact-name "$ARTIFACT_NAME"',
};
