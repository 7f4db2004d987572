import type { WorkflowArgs } from '../../components/workflow.ts';

/** What a stack with nothing said renders; a test says what matters to it. */
export const workflowArgs: WorkflowArgs = {
  cluster: 'shop-staging',
  schedule: '0 2 * * 0',
  timeoutMinutes: 60,
  artifactRetentionDays: 30,
  branch: 'main',
  environment: undefined,
  asksReviewers: false,
  postgresqlVersion: 17,
  flags: ['--summary'],
  secrets: [],
  holdUntil: undefined,
  alertAfterDays: 8,
  dispatchEvent: undefined,
};
