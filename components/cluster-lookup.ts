import * as digitalocean from '@pulumi/digitalocean';
import * as pulumi from '@pulumi/pulumi';
import { problem, SettingsError } from './settings-problems.ts';

/**
 * A cluster of the account by its name. Asked before any resource is registered, so that a wrong token or name is one
 * line for its reader. The answer also holds the cluster's password, in clear.
 *
 * @param setting the key that names it
 * @throws SettingsError
 */
export async function lookUpCluster(
  name: string,
  setting: string,
  options: pulumi.InvokeOptions,
): Promise<digitalocean.GetDatabaseClusterResult> {
  const cluster = await digitalocean.getDatabaseCluster({ name }, options).catch((error: Error) => {
    throw refusalOf(name, error);
  });
  // The provider answers an unknown name with empty fields, not with an error.
  if (cluster.id) return cluster;
  throw new SettingsError([
    problem(setting, `"${name}" is no database cluster that digitalOceanToken may see`),
  ]);
}

/** The provider puts DigitalOcean's answer into several lines of its own: `* … GET URL: 401 (request "…") Unable …`. */
export function refusalOf(name: string, error: Error): Error {
  const [, answer = error.message, status] = /\* (.*?: (\d{3}) .*)/.exec(error.message) ?? [];
  const said = `: ${answer}`;
  switch (status) {
    case '401':
      return new SettingsError([
        problem('digitalOceanToken', `is refused by DigitalOcean, as wrong, expired or revoked${said}`),
      ]);
    case '403':
      return new SettingsError([problem('digitalOceanToken', `lacks the scope database:read${said}`)]);
    default:
      return new pulumi.RunError(`"${name}" can't be looked up at DigitalOcean${said}`);
  }
}
