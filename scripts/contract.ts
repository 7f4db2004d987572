/**
 * The names that the Pulumi program, the engine, the local stack and the rendered workflow share.
 * Nothing here is computed and nothing is imported: whoever needs a name takes it from this page.
 */

/** Environment variables of the engine; the first six are also the names of GitHub secrets. */
export const environmentName = {
  productionUrl: 'PRODUCTION_DB_URL',
  productionCa: 'PRODUCTION_DB_CA',
  stagingUrl: 'STAGING_DB_URL',
  stagingCa: 'STAGING_DB_CA',
  digitalOceanToken: 'DO_API_TOKEN',
  productionClusterId: 'PROD_DB_CLUSTER_ID',
  stagingClusterId: 'STAGING_DB_CLUSTER_ID',
  previousStagingUrl: 'PREVIOUS_STAGING_DB_URL',
  previousStagingCa: 'PREVIOUS_STAGING_DB_CA',
  previousStagingClusterId: 'PREVIOUS_STAGING_DB_CLUSTER_ID',
  digitalOceanApiUrl: 'DO_API_URL',
  gitHubApiUrl: 'GITHUB_API_URL',
  gitHubToken: 'GITHUB_TOKEN',
  gitHubRepository: 'GITHUB_REPOSITORY',
  notifyUrl: 'REFRESH_NOTIFY_URL',
  mailUrl: 'REFRESH_MAIL_URL',
  maskKey: 'REFRESH_MASK_KEY',
  ageIdentity: 'REFRESH_AGE_IDENTITY',
} as const;

/** Exit codes, the same for every command. */
export const exitCode = {
  ok: 0,
  badInput: 2,
  precondition: 3,
  failed: 4,
  verification: 5,
  afterPublish: 6,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

const workflowFile = 'db-backup-restore-do.yml';

/** What the workflow is called; people look for these names on GitHub's pages. */
export const workflow = {
  path: `.github/workflows/${workflowFile}`,
  /** What GitHub's API calls it by. */
  file: workflowFile,
  displayName: 'Weekly DB Backup - Using DigitalOcean Backups',
  job: 'restore-from-do-backup',
  /** Folder in the target repository that holds the bundled engine, the policy and its SQL files. */
  folder: '.github/staging-refresh',
  /** The bundled engine's file name in that folder. */
  bundle: 'refresh.mjs',
  artifactName: 'production-db-backup',
  /** Holds report and summary alone: who follows a run needs no backup of production for it. */
  reportArtifactName: 'refresh-report',
  summaryFile: 'refresh-summary.json',
  /** The step that refreshes; others tell by it whether a run did. */
  refreshStep: 'Back Up Production and Restore to Staging',
  /** Input and part of a run's title by which whoever started it finds it. */
  nonceInput: 'nonce',
  /** Repository variable that holds scheduled runs until that date. */
  holdVariable: 'REFRESH_HOLD_UNTIL',
} as const;

export const defaultPolicyFile = 'refresh.policy.yaml';
/** Said instead of a policy file: everything is to be copied as it is. */
export const noPolicy = 'none';
export const defaultReportFile = 'refresh-report.json';
export const defaultArtifactFolder = './artifacts';
export const defaultSchedule = '0 2 * * 0';

/** GitHub rejects reading back a file over 1 MiB, and a RepositoryFile then stays stuck: the bundle's limit. */
export const bundleLimitBytes = 975_000;

/**
 * What glibc reads when the engine's process begins (manual, "Memory Allocation Tunables"): see `beginFrugally` in
 * launcher.js, which has the same words. The workflow starts the bundled engine with them.
 */
export const glibcTunables =
  'glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=1048576:glibc.malloc.trim_threshold=4194304';

/**
 * Longest JSON summary on stdout. The command resource hands the previous one on in one environment variable,
 * which Linux limits to 128 KiB; above that every later `pulumi up` would fail.
 */
export const summaryLimitBytes = 64_000;
