import * as pulumi from '@pulumi/pulumi';
import type { RefreshArgs } from '../../components/refresh.ts';
import type { RefreshWorkflowArgs } from '../../components/refresh-workflow.ts';
import type { OwnCluster } from '../../components/settings.ts';

const repository = {
  owner: 'example',
  name: 'shop',
  branch: 'trunk',
  environment: undefined,
  asksReviewers: false,
  url: 'https://github.com/example/shop',
} as const;

/** What a refresh and its workflow share. */
const refresh = {
  repository,
  strategy: 'swap',
  artifactRecipient: undefined,
  openProductionTrustedSources: false,
  runnerAddress: undefined,
  notifyFormat: 'slack',
  notifyStart: false,
  runFlags: [],
  owner: 'app',
} as const;

export const ownCluster: OwnCluster = {
  name: 'shop-staging',
  size: undefined,
  region: undefined,
  nodeCount: undefined,
  version: undefined,
  database: 'shop',
  user: 'app',
};

export const refreshWorkflowArgs: RefreshWorkflowArgs = {
  ...refresh,
  cluster: 'shop-staging',
  schedule: '0 2 * * 0',
  timeoutMinutes: 60,
  artifactRetentionDays: 30,
  engine: 'export {};',
  policy: {
    path: 'refresh.policy.yaml',
    files: [
      { path: 'refresh.policy.yaml', text: 'version: 1\n' },
      { path: 'sql/a.sql', text: 'select 1;' },
      { path: 'sql/a-sql', text: 'select 2;' },
    ],
    hash: '',
  },
  holdUntil: undefined,
  alertAfterDays: 8,
  dispatchEvent: undefined,
  openToAll: false,
  postgresqlVersion: '16',
  staging: { version: undefined },
  secrets: ['STAGING_DB_URL'],
};

export const refreshArgs: RefreshArgs = {
  ...refresh,
  refreshIn: 'here',
  gitHub: { token: pulumi.secret('ghp_token'), apiUrl: 'http://127.0.0.1:9' },
  environment: {
    PRODUCTION_DB_URL: pulumi.secret('postgresql://p'),
    PROD_DB_CLUSTER_ID: pulumi.output('prod-id'),
  },
  policy: { path: undefined, files: [], hash: 'policy-1' },
  triggers: {
    request: '',
    engine: 'engine-1',
    productionClusterId: 'prod-id',
    stagingClusterId: 'staging-id',
    stagingDatabase: 'shop',
  },
};
