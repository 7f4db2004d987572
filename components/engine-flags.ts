/** What a stack's settings decide about every refresh, wherever it runs. */
export interface EngineSettings {
  readonly strategy: 'swap' | 'in-place' | 'fork';
  /** age public key that encrypts the backup. */
  readonly artifactRecipient: string | undefined;
  readonly openProductionTrustedSources: boolean;
  /** Public IPv4 address of the machine that refreshes, or an https URL that answers with it. */
  readonly runnerAddress: string | undefined;
  readonly notifyFormat: 'slack' | 'json';
  readonly notifyStart: boolean;
  /** What no setting of its own decides, as words of the command line. */
  readonly runFlags: readonly string[];
}

/** Where a refresh runs. */
export interface EnginePlace {
  /** Where the policy lies for this engine, or `none`; undefined: nothing is said of one. */
  readonly policy: string | undefined;
  /** Role that owns what production's owner can't own in staging. */
  readonly owner: string | undefined;
  /** Whether the machine has to be let in by staging, too: GitHub's runners have another address each time. */
  readonly openStaging: boolean;
}

/** Words after `refresh run` or `refresh fork`. What equals the engine's default is left out. */
export function engineFlags(settings: EngineSettings, place: EnginePlace): string[] {
  const { strategy, artifactRecipient, openProductionTrustedSources, runnerAddress } = settings;
  const open = [
    ...(place.openStaging ? ['staging'] : []),
    ...(openProductionTrustedSources ? ['production'] : []),
  ];
  return [
    '--summary',
    ...(place.owner === undefined ? [] : ['--owner', place.owner]),
    ...(place.policy === undefined ? [] : ['--policy', place.policy]),
    ...(strategy === 'in-place' ? ['--strategy', strategy] : []),
    ...(artifactRecipient === undefined ? [] : ['--recipient', artifactRecipient]),
    ...(open.length === 0 ? [] : ['--open-trusted-sources', open.join(',')]),
    ...(open.length === 0 || runnerAddress === undefined ? [] : ['--runner-address', runnerAddress]),
    ...(settings.notifyFormat === 'slack' ? [] : ['--notify-format', settings.notifyFormat]),
    ...(settings.notifyStart ? ['--notify-start'] : []),
    ...settings.runFlags,
  ];
}
