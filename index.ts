import { createRefresh, createStaging } from './components/create-staging.ts';
import { engineEnvironment } from './components/engine-environment.ts';
import { chooseGeneration, describeInUse } from './components/generation.ts';
import { checkGitHubAccess } from './components/github-access.ts';
import { MaskKey } from './components/mask-key.ts';
import { lookUpProduction } from './components/production-cluster.ts';
import { createProviders } from './components/providers.ts';
import { RefreshWorkflow } from './components/refresh-workflow.ts';
import { RepositorySecrets } from './components/repository-secrets.ts';
import { nextRun as nextRunOf } from './components/schedule.ts';
import { readSettings } from './components/settings.ts';
import type { StagingAccess } from './components/staging.ts';
import { inspectStaging } from './components/staging-as-found.ts';
import { findAdopted, knownAs } from './components/staging-cluster.ts';
import { TrustedSources } from './components/trusted-sources.ts';
import { bundleEngine } from './scripts/bundle.ts';
import { environmentName } from './scripts/contract.ts';
import { fingerprintEngine } from './scripts/fingerprint.ts';

const settings = readSettings();
const cluster = knownAs(settings.staging);
const repository = await checkGitHubAccess(settings.repository, settings.gitHub, cluster);
const engine = { text: await bundleEngine(), fingerprint: fingerprintEngine() };

const { digitalocean, github } = createProviders({
  digitalOcean: settings.digitalOcean,
  gitHub: { ...settings.gitHub, owner: repository.owner },
});

const production = await lookUpProduction(settings.production.cluster, { provider: digitalocean });

const missing =
  settings.strategy === 'fork'
    ? []
    : await inspectStaging(
        { cluster: settings.staging, production, account: settings.digitalOcean },
        { provider: digitalocean },
      );

const maskKey = new MaskKey('mask-key', { key: settings.maskKey });

const environmentOf = (staging: StagingAccess) =>
  engineEnvironment({
    production: { ...production, url: settings.production.databaseUrl },
    staging,
    digitalOceanToken: settings.digitalOcean.token,
    maskKey: maskKey.value,
    notifyUrl: settings.notifyUrl,
    mailUrl: settings.mailUrl,
  });

const { refreshTrigger, generation } = await chooseGeneration({
  ...settings,
  engine: engine.fingerprint,
  productionId: production.id,
});

const staging = createStaging(
  'staging',
  {
    cluster: await findAdopted(settings.staging, { provider: digitalocean }),
    production,
    generation,
    refresh: { ...settings, repository },
    environmentOf,
  },
  { providers: [digitalocean] },
);

const environment = environmentOf(staging);

const trustedSources = new TrustedSources(
  'trusted-sources',
  { cluster: staging, rules: settings.trustedSources },
  { providers: [digitalocean] },
);

const secrets = new RepositorySecrets(
  'repository-secrets',
  {
    owner: repository.owner,
    repository: repository.name,
    environment: repository.environment,
    secrets: { ...environment, [environmentName.digitalOceanToken]: settings.workflowDigitalOceanToken },
  },
  { providers: [github] },
);

const workflow = new RefreshWorkflow(
  'refresh-workflow',
  {
    ...settings,
    repository,
    cluster,
    engine: engine.text,
    owner: staging.owner,
    postgresqlVersion: production.version,
    secrets: secrets.names,
  },
  { providers: [github] },
);

const refresh = createRefresh(
  'refresh',
  staging,
  {
    ...settings,
    repository,
    environment,
    owner: staging.owner,
    missing,
    triggers: {
      request: refreshTrigger,
      engine: engine.fingerprint,
      productionClusterId: production.id,
      stagingClusterId: staging.clusterId,
      stagingDatabase: staging.database,
    },
  },
  { dependsOn: [staging, trustedSources, ...(settings.refreshIn === 'github' ? [secrets, workflow] : [])] },
);

export const stagingHost = staging.host;
export const stagingDatabase = staging.database;
/** The administrator's connection: pulumi stack output stagingUrl --show-secrets */
export const stagingUrl = staging.url;
/** In UTC. The only output that a clock decides, and no resource reads it. */
export const nextRun = nextRunOf(settings.schedule, new Date());
/** Summary of the last refresh. */
export const report = refresh.report;
export const workflowUrl = workflow.url;
/** For the program itself: what the next fork has to know of the staging in use. */
export const stagingInUse = describeInUse(staging, refreshTrigger);
