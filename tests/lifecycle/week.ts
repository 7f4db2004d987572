import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { runWorkflow, type WorkflowRunOutcome } from '../../scripts/local/runner/workflow-run.ts';
import { parts } from './project.ts';
import type { PulumiStack } from './stack.ts';
import { fileIn } from './story.ts';
import type { World } from './world.ts';

/** The rendered workflow's scheduled run. On GitHub's runner there is nothing of this machine but programs. */
export async function carryOutWeek(stack: PulumiStack): Promise<WorkflowRunOutcome> {
  const { world, environment } = stack;
  const files = await projectFiles(world, 'Pulumi.life.yaml');
  const { PULUMI_BACKEND_URL = '', PULUMI_CONFIG_PASSPHRASE = '', PATH = '' } = environment;
  const { digitalOceanToken = '', productionDatabaseUrl = '' } = world.secrets();
  return await runWorkflow({
    workflow: (await fileIn(stack)) ?? '',
    event: { name: 'schedule', schedule: '0 2 * * 0' },
    repository: 'local/shop',
    runId: 77,
    runNumber: 12,
    serverUrl: world.urls.hub,
    apiUrl: world.urls.hub,
    token: 'ghs_token-of-the-job',
    secrets: {
      PULUMI_BACKEND_URL,
      PULUMI_CONFIG_PASSPHRASE,
      DO_API_TOKEN: digitalOceanToken,
      PROD_DB_CLUSTER_ID: world.productionId,
      PRODUCTION_DB_URL: productionDatabaseUrl,
    },
    variables: {},
    files: () => files,
    environment: { ...(await world.environment()), PATH, ...npmEnvironment() },
    signal: new AbortController().signal,
  });
}

/** Where this machine's npm finds packages, since the runner's home is another. */
function npmEnvironment(): Record<string, string> {
  const of = (key: string) => execFileSync('npm', ['config', 'get', key], { encoding: 'utf8' }).trim();
  return {
    npm_config_cache: of('cache'),
    npm_config_registry: of('registry'),
    npm_config_prefer_offline: 'true',
  };
}

/** The project as a repository holds it. */
async function projectFiles({ folder }: World, stackFile: string): Promise<Map<string, Buffer>> {
  const wanted = new Set([...parts, 'refresh.policy.yaml', stackFile]);
  const present = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = present
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => wanted.has(path.split('/')[0] ?? ''));
  const read = async (path: string) => [path, await readFile(join(folder, path))] as const;
  return new Map(await Promise.all(paths.map(read)));
}
