import { isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';
import { environmentName } from '../../contract.ts';
import type { ApiAccess, NotificationConfig, TrustedSourcesConfig } from '../../model/config.ts';
import { RefreshError } from '../../model/errors.ts';
import { Secret } from '../../model/secret.ts';
import { readNotification } from './notification.ts';
import { badFlag, webAddress } from './web-address.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags about DigitalOcean and about who is told. */
export interface ServiceFlags {
  readonly openTrustedSources?: string;
  readonly runnerAddress?: string;
  readonly notifyFormat?: string;
  readonly notifyStart?: boolean;
}

export interface ServiceConfig {
  readonly digitalOcean: ApiAccess | undefined;
  readonly productionClusterId: string | undefined;
  readonly stagingClusterId: string | undefined;
  readonly trustedSources: TrustedSourcesConfig;
  readonly notification: NotificationConfig | undefined;
}

const defaultApiUrl = 'https://api.digitalocean.com';

/** Flags and environment of everything beside the two databases. What is wrong is added to `problems`. */
export function readService(
  flags: ServiceFlags,
  environment: Environment,
  problems: RefreshError[],
): ServiceConfig {
  const idOf = (name: string) => collect(problems, () => readClusterId(environment, name));
  return {
    digitalOcean: collect(problems, () => readApiAccess(environment)),
    productionClusterId: idOf(environmentName.productionClusterId),
    stagingClusterId: idOf(environmentName.stagingClusterId),
    trustedSources: readTrustedSources(flags, environment, problems),
    notification: collect(problems, () => readNotification(flags, environment)),
  };
}

/**
 * DigitalOcean's API and the token; undefined where there is no token.
 *
 * @throws RefreshError `bad-environment`.
 */
export function readApiAccess(environment: Environment): ApiAccess | undefined {
  const token = environment[environmentName.digitalOceanToken]?.trim();
  if (!token) return undefined;
  if (!/^[\x20-\x7e]+$/.test(token)) {
    // fetch would refuse it, too, and quote it in its error.
    throw new RefreshError('bad-environment', 'the token holds characters that no token has', {
      object: environmentName.digitalOceanToken,
      hint: 'copy it again: one word, which begins with dop_v1_',
    });
  }
  const name = environmentName.digitalOceanApiUrl;
  return {
    url: webAddress(environment[name] || defaultApiUrl, name).replace(/\/+$/, ''),
    token: new Secret(token),
  };
}

/** The id of a cluster from the environment. @throws RefreshError `bad-environment` when it is no UUID. */
export function readClusterId(environment: Environment, name: string): string | undefined {
  const id = environment[name]?.trim();
  if (!id) return undefined;
  if (z.guid().safeParse(id).success) return id;
  throw new RefreshError(
    'bad-environment',
    'the cluster id is no UUID such as 3dd4f852-539e-45c2-b3a1-7649432bb1c4',
    {
      object: name,
      hint: 'it is the part between /databases/ and ? in the address of the cluster’s page; refresh doctor lists what the token sees',
    },
  );
}

function readTrustedSources(
  flags: ServiceFlags,
  environment: Environment,
  problems: RefreshError[],
): TrustedSourcesConfig {
  const asked = (flags.openTrustedSources ?? '').split(',').filter((word) => word !== '');
  const sides = (['staging', 'production'] as const).filter((side) => asked.includes(side));
  if (
    flags.openTrustedSources !== undefined &&
    (asked.length === 0 || sides.length !== new Set(asked).size)
  ) {
    problems.push(
      badFlag('--open-trusted-sources', 'has to be staging, production, or staging,production', 'see --help'),
    );
  }
  if (sides.length > 0) {
    const needed = [
      environmentName.digitalOceanToken,
      ...(sides.includes('production') ? [environmentName.productionClusterId] : []),
      ...(sides.includes('staging') ? [environmentName.stagingClusterId] : []),
    ];
    for (const name of needed.filter((name) => !environment[name])) {
      problems.push(
        new RefreshError('bad-environment', 'it is not set, and --open-trusted-sources needs it', {
          object: name,
          hint: 'the token needs the scopes database:read and database:update',
        }),
      );
    }
  }
  return { sides, runnerAddress: collect(problems, () => readRunnerAddress(flags.runnerAddress)) };
}

function readRunnerAddress(text: string | undefined): string | undefined {
  if (text === undefined || isIPv4(text)) return text;
  if (isIPv6(text)) {
    throw badFlag('--runner-address', 'it is IPv6', 'trusted sources hold IPv4 addresses only');
  }
  return webAddress(text, '--runner-address');
}

function collect<Value>(problems: RefreshError[], read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RefreshError)) throw error;
    problems.push(error);
    return undefined;
  }
}
