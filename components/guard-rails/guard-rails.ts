import type { Policies, ResourceValidationPolicy, StackValidationPolicy } from '@pulumi/policy';
import { clearSecrets } from './clear-secret.ts';
import type { Finding, Managed } from './managed.ts';
import { managedProduction } from './managed-production.ts';
import { openList, withoutList } from './open-to-all.ts';
import { sameCluster, sameDatabase } from './same-database.ts';

type Rule = (resources: readonly Managed[]) => readonly Finding[];

/** What no preview of a staging-refresh stack may get past. */
export const guardRails: Policies = [
  ofStack('staging-is-not-production', 'Staging and production are two databases.', sameDatabase),
  {
    ...ofStack(
      'staging-has-its-own-cluster',
      'Staging should not live on production’s cluster.',
      sameCluster,
    ),
    enforcementLevel: 'advisory',
  },
  ofResource('trusted-sources-name-somebody', 'No list of trusted sources is open to all.', openList),
  ofStack('staging-has-trusted-sources', 'Every cluster of the stack has trusted sources.', withoutList),
  ofResource('no-secret-in-clear', 'Files, variables and commands hold no secret.', clearSecrets),
  ofStack('production-is-not-managed', 'Nothing of production belongs to the stack.', managedProduction),
];

/** Judged before the resource is made, also by an `up` that skips its preview. */
function ofResource(name: string, description: string, rule: Rule): ResourceValidationPolicy {
  return {
    name,
    description,
    enforcementLevel: 'mandatory',
    validateResource(resource, reportViolation) {
      for (const { message } of rule([{ ...resource, propertyDependencies: {} }])) reportViolation(message);
    },
  };
}

/** Judged at the end of a preview, which every `up` begins with unless it is told not to. */
function ofStack(name: string, description: string, rule: Rule): StackValidationPolicy {
  return {
    name,
    description,
    enforcementLevel: 'mandatory',
    validateStack({ resources }, reportViolation) {
      for (const { message } of rule(resources)) reportViolation(message);
    },
  };
}
