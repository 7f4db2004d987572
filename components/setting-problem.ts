export const namespace = 'staging-refresh';

/** One thing that is wrong: `staging-refresh:trustedSources[0].value`, and why. */
export interface SettingProblem {
  readonly propertyPath: string;
  readonly reason: string;
}

export function problem(path: string, reason: string): SettingProblem {
  return { propertyPath: `${namespace}:${path}`, reason };
}
