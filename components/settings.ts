import * as pulumi from '@pulumi/pulumi';
import { defaultPolicyFile } from '../scripts/contract.ts';
import { accountProblems, type Environment, readAccounts } from './accounts.ts';
import { databaseOf } from './connection-url.ts';
import type { EngineSettings } from './engine-flags.ts';
import { type PolicyFiles, projectFolder, readPolicyFiles } from './policy-files.ts';
import { runFlagWords } from './run-flags.ts';
import { settingReason } from './setting-reason.ts';
import {
  crossProblems,
  namespace,
  problem,
  type SettingProblem,
  SettingsError,
  schemaProblems,
  unknownKeyProblems,
} from './settings-problems.ts';
import { type SettingKey, type SettingValues, secretSettings, settingSchemas } from './settings-schema.ts';
import type { TrustedSourceRule } from './trusted-source-rule.ts';

/** A staging cluster of our own; what is left out follows production. */
export interface OwnCluster {
  readonly name: string;
  readonly size: string | undefined;
  readonly region: string | undefined;
  readonly nodeCount: number | undefined;
  /** PostgreSQL's major version. */
  readonly version: string | undefined;
  readonly database: string;
  readonly user: string;
}

/** A cluster, database and role that exist already and stay nobody's but their owner's. */
export interface AdoptedCluster {
  /** Name or id. */
  readonly adopt: string;
  readonly database: string;
  readonly user: string | undefined;
}

/** Account on a provider; `apiUrl` is set for emulations and for GitHub Enterprise only. */
export interface Account {
  readonly token: pulumi.Output<string>;
  readonly apiUrl: string | undefined;
}

export interface Repository {
  readonly owner: string;
  readonly name: string;
  /** Refused unless it is the default branch. */
  readonly branch: string | undefined;
  /** GitHub environment that holds the secrets. */
  readonly environment: string | undefined;
}

/** Everything that a stack decides. Secrets are Pulumi secrets, checked for shape already. */
export interface Settings extends EngineSettings {
  readonly production: { readonly cluster: string; readonly databaseUrl: pulumi.Output<string> };
  readonly staging: OwnCluster | AdoptedCluster;
  /** Empty: the list isn't managed (adopted cluster) or is open to all, as was said explicitly. */
  readonly trustedSources: readonly TrustedSourceRule[];
  readonly repository: Repository;
  readonly schedule: string;
  readonly timeoutMinutes: number;
  readonly artifactRetentionDays: number;
  readonly policy: PolicyFiles;
  readonly openToAll: boolean;
  readonly digitalOcean: Account;
  /** What the workflow's DO_API_TOKEN is: the stack's own token unless it was given another one. */
  readonly workflowDigitalOceanToken: pulumi.Output<string>;
  readonly gitHub: Account;
  /** Made by the stack when undefined. */
  readonly maskKey: pulumi.Output<string> | undefined;
  readonly refreshTrigger: string;
  readonly refreshIn: 'here' | 'github';
  readonly notifyUrl: pulumi.Output<string> | undefined;
  readonly mailUrl: pulumi.Output<string> | undefined;
  /** Scheduled runs before this date are skipped. */
  readonly holdUntil: string | undefined;
  /** 0: nobody is told. */
  readonly alertAfterDays: number;
  readonly dispatchEvent: string | undefined;
}

/**
 * Reads the stack's configuration and the providers' own environment variables; nobody else reads either.
 * @throws SettingsError with every problem at once, before any resource is registered
 */
export function readSettings(environment: Environment = process.env): Settings {
  const config = new pulumi.Config(namespace);
  const problems: SettingProblem[] = [];
  const values = parseAll(config, problems);
  const policy = readPolicyFiles(values.policy ?? defaultPolicyFile, projectFolder);
  problems.push(
    ...policy.problems.map((reason) => problem('policy', reason)),
    ...unknownKeyProblems(ownKeys()),
    ...crossProblems(values),
    ...clearSecretProblems(),
  );
  // A token that was refused is not missing, too.
  const refused = problems.map(({ propertyPath }) => propertyPath);
  problems.push(
    ...accountProblems(values, environment).filter(({ propertyPath }) => !refused.includes(propertyPath)),
  );
  if (problems.length > 0) throw new SettingsError(problems);
  return toSettings(values as SettingValues, policy, config, environment);
}

function toSettings(
  values: SettingValues,
  policy: PolicyFiles,
  config: pulumi.Config,
  environment: Environment,
): Settings {
  const [owner = '', name = ''] = values.repository.split('/');
  const accounts = readAccounts(environment);
  const digitalOceanToken = values.digitalOceanToken ?? accounts.digitalOceanToken ?? '';
  return {
    production: {
      cluster: values.productionCluster,
      databaseUrl: config.requireSecret('productionDatabaseUrl'),
    },
    staging: toCluster(values),
    trustedSources: values.trustedSources,
    repository: { owner, name, branch: values.branch, environment: values.environment },
    schedule: values.schedule,
    timeoutMinutes: values.timeoutMinutes,
    artifactRetentionDays: values.artifactRetentionDays,
    policy,
    strategy: values.strategy,
    openToAll: values.openToAll,
    openProductionTrustedSources: values.openProductionTrustedSources,
    runnerAddress: values.runnerAddress,
    notifyFormat: values.notifyFormat,
    notifyStart: values.notifyStart,
    runFlags: runFlagWords(values.runFlags),
    digitalOcean: { token: pulumi.secret(digitalOceanToken), apiUrl: accounts.digitalOceanApiUrl },
    workflowDigitalOceanToken: pulumi.secret(values.workflowDigitalOceanToken ?? digitalOceanToken),
    gitHub: {
      token: pulumi.secret(values.githubToken ?? accounts.gitHubToken ?? ''),
      apiUrl: accounts.gitHubApiUrl,
    },
    maskKey: values.maskKey === undefined ? undefined : pulumi.secret(values.maskKey),
    artifactRecipient: values.artifactRecipient,
    refreshTrigger: values.refreshTrigger,
    refreshIn: values.refreshIn,
    notifyUrl: values.notifyUrl === undefined ? undefined : pulumi.secret(values.notifyUrl),
    mailUrl: values.mailUrl === undefined ? undefined : pulumi.secret(values.mailUrl),
    holdUntil: values.holdUntil,
    alertAfterDays: values.alertAfterDays,
    dispatchEvent: values.dispatchEvent,
  };
}

function toCluster(values: SettingValues): OwnCluster | AdoptedCluster {
  const cluster = values.stagingCluster;
  const database = cluster.database ?? databaseOf(values.productionDatabaseUrl) ?? '';
  if ('adopt' in cluster) return { adopt: cluster.adopt, database, user: cluster.user };
  return {
    name: cluster.name ?? `${values.productionCluster}-staging`,
    size: cluster.size,
    region: cluster.region,
    nodeCount: cluster.nodeCount,
    version: cluster.version,
    database,
    user: cluster.user ?? 'app',
  };
}

function parseAll(config: pulumi.Config, problems: SettingProblem[]): Partial<SettingValues> {
  const entries = (Object.keys(settingSchemas) as SettingKey[]).flatMap((key) => {
    const raw = rawValue(config, key);
    if ('reason' in raw) {
      problems.push(problem(key, raw.reason));
      return [];
    }
    if (raw.value === undefined && key in requiredSettings) {
      problems.push(problem(key, `is missing: pulumi config set ${requiredSettings[key as RequiredKey]}`));
      return [];
    }
    const result = settingSchemas[key].safeParse(raw.value, { error: settingReason });
    if (result.success) return [[key, result.data] as const];
    problems.push(...schemaProblems(key, result.error));
    return [];
  });
  return Object.fromEntries(entries) as Partial<SettingValues>;
}

const requiredSettings = {
  productionCluster: 'staging-refresh:productionCluster NAME',
  productionDatabaseUrl: '--secret staging-refresh:productionDatabaseUrl',
  repository: 'staging-refresh:repository OWNER/NAME',
} as const;
type RequiredKey = keyof typeof requiredSettings;

const structuredSettings: readonly SettingKey[] = [
  'stagingCluster',
  'trustedSources',
  'openToAll',
  'openProductionTrustedSources',
  'timeoutMinutes',
  'artifactRetentionDays',
  'notifyStart',
  'runFlags',
  'alertAfterDays',
];

/** Pulumi hands every value over as text; '' is the default that Pulumi.yaml gives to what may be left out. */
function rawValue(config: pulumi.Config, key: SettingKey): { value: unknown } | { reason: string } {
  const text = config.get(key)?.trim();
  if (text === undefined || text === '') return { value: undefined };
  if (!structuredSettings.includes(key)) return { value: text };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    const wanted = key.endsWith('Minutes') || key.endsWith('Days') ? 'a number' : 'true or false';
    return {
      reason: `${JSON.stringify(text)} is not ${key in objectHints ? objectHints[key as 'trustedSources'] : wanted}`,
    };
  }
}

const objectHints = {
  stagingCluster: 'an object: pulumi config set --path staging-refresh:stagingCluster.name NAME',
  runFlags: 'an object: pulumi config set --path staging-refresh:runFlags.keep-previous 0',
  trustedSources: "a list: pulumi config set --path 'staging-refresh:trustedSources[0].type' ip_addr",
} as const;

function ownKeys(): string[] {
  return Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(`${namespace}:`))
    .map((key) => key.slice(namespace.length + 1));
}

/**
 * The CLI itself insists on encryption for productionDatabaseUrl (`secret: true` in Pulumi.yaml). It can't for an
 * optional key: its default, '', would have to be encrypted too. So that is checked here.
 */
function clearSecretProblems(): SettingProblem[] {
  const { isConfigSecret } = pulumi.runtime as { isConfigSecret?: (key: string) => boolean };
  if (!isConfigSecret) return [];
  const config = pulumi.runtime.allConfig();
  return secretSettings
    .filter((key) => config[`${namespace}:${key}`] && !isConfigSecret(`${namespace}:${key}`))
    .map((key) => problem(key, `is stored in clear: pulumi config set --secret ${namespace}:${key}`));
}
