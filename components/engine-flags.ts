export interface EngineFlagsArgs {
  /** Where the policy lies for the engine that gets these flags; undefined: there is none. */
  readonly policy: string | undefined;
  readonly strategy: 'swap' | 'in-place';
  /** age public key that encrypts the backup. */
  readonly recipient: string | undefined;
  /** Role that owns what production's owner can't own in staging. */
  readonly owner: string | undefined;
}

/** Words after `refresh run`, the same here and in the workflow. What equals the engine's default is left out. */
export function engineFlags({ policy, strategy, recipient, owner }: EngineFlagsArgs): string[] {
  return [
    '--summary',
    ...(owner === undefined ? [] : ['--owner', owner]),
    ...(policy === undefined ? [] : ['--policy', policy]),
    ...(strategy === 'swap' ? [] : ['--strategy', strategy]),
    ...(recipient === undefined ? [] : ['--recipient', recipient]),
  ];
}
