import { environmentName } from '../../contract.ts';
import type { ForkConfig } from '../../model/config.ts';
import { RefreshError } from '../../model/errors.ts';
import { type RunFlags, readConfig } from '../config.ts';
import { readAddress } from './address.ts';
import { readClusterId } from './service.ts';

/** Flags of `fork`. */
export type ForkFlags = Pick<
  RunFlags,
  | 'jobs'
  | 'policy'
  | 'owner'
  | 'report'
  | 'stallSeconds'
  | 'openTrustedSources'
  | 'runnerAddress'
  | 'notifyFormat'
  | 'notifyStart'
>;

/**
 * Reads what `fork` needs: two servers, a third where there is a staging already, and DigitalOcean's API.
 *
 * @throws RefreshError `bad-flag`, `bad-environment`, `bad-url` or `bad-policy`; nothing has been touched.
 */
export function readForkConfig(
  flags: ForkFlags,
  environment: Readonly<Record<string, string | undefined>>,
): ForkConfig {
  const config = readConfig({ ...flags, artifact: false }, environment);
  const { digitalOcean, productionClusterId, stagingClusterId } = config;
  if (!digitalOcean) throw missing(environmentName.digitalOceanToken);
  if (!productionClusterId) throw missing(environmentName.productionClusterId);
  if (!stagingClusterId) throw missing(environmentName.stagingClusterId);
  if (config.trustedSources.sides.includes('staging')) {
    throw new RefreshError('bad-flag', 'a fork’s own list is always ours: only production can be named', {
      object: '--open-trusted-sources',
      hint: 'production, or leave it out',
    });
  }
  const problems: RefreshError[] = [];
  const previousStaging = environment[environmentName.previousStagingUrl]
    ? readAddress(
        environmentName.previousStagingUrl,
        environmentName.previousStagingCa,
        environment,
        problems,
      )
    : undefined;
  if (problems[0]) throw problems[0];
  return {
    ...config,
    strategy: 'fork',
    digitalOcean,
    productionClusterId,
    stagingClusterId,
    previousStaging,
    previousStagingClusterId: readClusterId(environment, environmentName.previousStagingClusterId),
  };
}

function missing(name: string): RefreshError {
  return new RefreshError('bad-environment', 'it is not set, and a fork needs it', {
    object: name,
    hint: 'only with it can the cluster be closed to everybody else: the token needs the scopes database:read and database:update',
  });
}
