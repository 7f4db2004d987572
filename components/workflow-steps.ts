/** Actions by the full id of a commit: a tag can be moved to other code. */
export const actions = {
  'actions/checkout': { commit: 'd23441a48e516b6c34aea4fa41551a30e30af803', version: 'v6.1.0' },
  'actions/setup-node': { commit: '249970729cb0ef3589644e2896645e5dc5ba9c38', version: 'v6.5.0' },
  'actions/upload-artifact': { commit: 'b7c566a772e6b6bfb58ed0dc250532a479d7789f', version: 'v6.0.0' },
} as const;

export type ActionName = keyof typeof actions;

/** One step as GitHub reads it. */
export interface Step {
  readonly name: string;
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly shell?: 'bash';
  readonly run?: string;
}

export interface WorkflowStepsArgs {
  readonly branch: string;
  /** Folder of the engine and its policy in the repository. */
  readonly folder: string;
  readonly postgresqlVersion: number;
  /** Shell command of the refresh; further flags are appended to it. */
  readonly refresh: string;
  readonly secrets: readonly string[];
  readonly artifactName: string;
  readonly artifactFolder: string;
  readonly artifactRetentionDays: number;
  /** When it runs next, in words. */
  readonly nextRun: string;
}

/** The backup is uploaded before anything is removed, and the last three steps run whatever happened before them. */
export function workflowSteps(args: WorkflowStepsArgs): readonly Step[] {
  return [
    checkOut(args),
    setUpNode(),
    installClient(args),
    refresh(args),
    uploadBackup(args),
    cleanUp(args),
    notify(args),
  ];
}

function use(name: ActionName): string {
  return `${name}@${actions[name].commit}`;
}

/** What GitHub fills in. Never inside a `run`: there it would be taken as shell code. */
function expression(name: string): string {
  return `\${{ ${name} }}`;
}

function checkOut({ branch, folder }: WorkflowStepsArgs): Step {
  return {
    name: 'Check Out the Engine and its Policy',
    uses: use('actions/checkout'),
    with: { ref: branch, 'sparse-checkout': folder, 'persist-credentials': false },
  };
}

function setUpNode(): Step {
  return {
    name: 'Set Up Node 24',
    uses: use('actions/setup-node'),
    with: { 'node-version': '24', 'package-manager-cache': false },
  };
}

/** The id is the fingerprint of the key that signs apt.postgresql.org. */
function installClient({ postgresqlVersion }: WorkflowStepsArgs): Step {
  const run = `bindir=/usr/lib/postgresql/${postgresqlVersion}/bin
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

/** `exec`: a cancelled run signals the step's first process only, and that must be the engine. */
function refresh({ refresh, secrets }: WorkflowStepsArgs): Step {
  const run = `set --
[ -z "$INPUT_JOBS" ] || set -- "$@" --jobs "$INPUT_JOBS"
${refresh} "$@" > refresh-summary.json
`;
  const fromSecrets = secrets.map((name) => [name, expression(`secrets.${name}`)] as const);
  return {
    name: 'Back Up Production and Restore to Staging',
    id: 'refresh',
    env: {
      ...Object.fromEntries(fromSecrets),
      INPUT_JOBS: expression('inputs.jobs'),
    },
    shell: 'bash',
    run,
  };
}

function uploadBackup({ artifactName, artifactFolder, artifactRetentionDays }: WorkflowStepsArgs): Step {
  return {
    name: 'Upload Backup Artifact',
    if: 'always()',
    uses: use('actions/upload-artifact'),
    with: {
      name: `${artifactName}-${expression('github.run_number')}`,
      path: `${artifactFolder}/\nrefresh-report.*\n`,
      'retention-days': artifactRetentionDays,
      // The backup is compressed already.
      'compression-level': 0,
      'if-no-files-found': 'warn',
    },
  };
}

function cleanUp({ artifactFolder }: WorkflowStepsArgs): Step {
  return {
    name: 'Cleanup',
    if: 'always()',
    shell: 'bash',
    run: `rm -rf ${artifactFolder} refresh-report.*\n`,
  };
}

function notify({ nextRun }: WorkflowStepsArgs): Step {
  const run = `if [ "$REFRESH_OUTCOME" = success ]; then
  title='🎉 Production database successfully backed up and restored to staging!'
else
  title="❌ Database backup/restore failed! ($REFRESH_OUTCOME)"
fi
{
  echo "## $title"
  echo "📅 $(date -u '+%Y-%m-%d %H:%M:%S UTC') · 🔄 Next scheduled backup: $NEXT_RUN · [log]($RUN_URL)"
  if [ -s refresh-summary.json ]; then
    echo '\`\`\`json'
    cat refresh-summary.json
    echo
    echo '\`\`\`'
  fi
} | tee -a "$GITHUB_STEP_SUMMARY"
`;
  return {
    name: 'Notification',
    if: 'always()',
    env: {
      REFRESH_OUTCOME: expression('steps.refresh.outcome'),
      NEXT_RUN: nextRun,
      RUN_URL: `${expression('github.server_url')}/${expression('github.repository')}/actions/runs/${expression('github.run_id')}`,
    },
    shell: 'bash',
    run,
  };
}
