import { delimiter, dirname, join } from 'node:path';
import { environmentName } from '../contract.ts';
import type { LocalAccount } from './account.ts';
import type { DaemonRecord } from './daemon-process.ts';
import type { PostgresTools } from './postgres-install.ts';
import type { LocalServer } from './server.ts';
import { projectFolder, type StateFolder } from './state-folder.ts';

/** Everything that runs: what the commands hand to whoever applies the program. */
export interface LocalStack {
  readonly folder: StateFolder;
  readonly account: LocalAccount;
  readonly tools: PostgresTools;
  readonly production: LocalServer;
  readonly apis: DaemonRecord;
  readonly caPem: string;
}

/** Name of the stack, and so of its config file, Pulumi.local.yaml. */
export const stackName = 'local';
const namespace = 'staging-refresh';

/** A value of the stack's config: text, or an object or list as YAML holds it. */
export type ConfigValue =
  | string
  | readonly Readonly<Record<string, string>>[]
  | Readonly<Record<string, string>>;

export interface LocalConfig {
  readonly plain: Readonly<Record<string, ConfigValue>>;
  readonly secret: Readonly<Record<string, string>>;
}

/** The stack's config by full key. */
export function localConfig(stack: LocalStack): LocalConfig {
  const { account } = stack;
  const plain = {
    productionCluster: account.productionCluster.name,
    stagingCluster: { name: 'shop-staging', database: 'shop', user: 'app' },
    trustedSources: [{ type: 'ip_addr', value: '127.0.0.1' }],
    repository: `${account.repository.owner}/${account.repository.name}`,
    policy: 'refresh.policy.yaml',
    refreshTrigger: account.refreshTrigger,
  };
  const secret = {
    productionDatabaseUrl: account.production?.readerUrl ?? '',
    digitalOceanToken: account.digitalOceanToken,
    githubToken: account.gitHubToken,
    maskKey: account.maskKey,
  };
  return { plain: inNamespace(plain), secret: inNamespace(secret) };
}

/** What the program, the providers and the tools find in their environment. */
export function stackEnvironment(stack: LocalStack) {
  const { account, apis, caPem, folder } = stack;
  return {
    [environmentName.productionUrl]: account.production?.readerUrl ?? '',
    [environmentName.productionCa]: caPem,
    [environmentName.productionClusterId]: account.productionCluster.id,
    [environmentName.digitalOceanToken]: account.digitalOceanToken,
    [environmentName.digitalOceanApiUrl]: apis.digitalOceanUrl,
    [environmentName.gitHubApiUrl]: apis.gitHubUrl,
    DIGITALOCEAN_TOKEN: account.digitalOceanToken,
    GITHUB_TOKEN: account.gitHubToken,
    PG_BINDIR: stack.tools.bindir,
    PGSSLROOTCERT: caFile(folder),
    PULUMI_BACKEND_URL: `file://${folder.pulumiBackend}`,
    PULUMI_CONFIG_PASSPHRASE: account.passphrase,
    PULUMI_HOME: folder.pulumiHome,
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PATH: searchPath(stack, process.env.PATH ?? ''),
  };
}

/** The CA's certificate as a file, for psql. */
export function caFile(folder: StateFolder): string {
  return join(folder.root, 'ca.crt');
}

/** The Node that runs this, PostgreSQL's tools and the project's own commands first. */
export function toolFolders(stack: LocalStack): string[] {
  return [
    dirname(process.execPath),
    stack.tools.bindir,
    join(stack.folder.pulumiHome, 'bin'),
    join(projectFolder, 'node_modules', '.bin'),
  ];
}

function searchPath(stack: LocalStack, path: string): string {
  const first = toolFolders(stack);
  return [...first, ...path.split(delimiter).filter((entry) => !first.includes(entry))].join(delimiter);
}

function inNamespace<Value>(values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${namespace}:${key}`, value]));
}
