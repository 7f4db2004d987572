import { Command } from 'commander';
import { environmentName } from '../contract.ts';
import { DigitalOcean } from '../digitalocean/client.ts';
import { openingsFolder } from '../digitalocean/opening.ts';
import { RefreshError } from '../model/errors.ts';
import { readApiAccess, readClusterId } from '../stages/config/service.ts';
import { sweep } from '../stages/trusted-sources/sweep.ts';
import { harmless } from '../system/visible.ts';

const clusterIdName = {
  staging: environmentName.stagingClusterId,
  production: environmentName.productionClusterId,
} as const;

/** `refresh sweep`: the workflow's clean-up of trusted sources, whatever became of the refresh. */
export function sweepCommand(): Command {
  return new Command('sweep')
    .description('removes from the trusted sources what dead runs have left there, and nothing else')
    .argument('<clusters>', 'staging, production or staging,production')
    .addHelpText(
      'after',
      `
Needs DO_API_TOKEN (database:read, and database:update where there is something to remove) and the clusters' ids.
A rule is a dead run's when its time is over, or when this machine has written it down for a process that is gone.

Example:
  . .local/env && npx --no refresh sweep staging`,
    )
    .action(async (clusters: string) => sweepAll(clusters, process.env));
}

async function sweepAll(
  clusters: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const access = readApiAccess(environment);
  if (!access) throw missing(environmentName.digitalOceanToken);
  const api = new DigitalOcean(access);
  const folder = openingsFolder(environment);
  for (const side of clusters.split(',')) {
    if (side !== 'staging' && side !== 'production') {
      throw new RefreshError('bad-flag', 'has to be staging, production, or staging,production', {
        object: '<clusters>',
        hint: 'refresh sweep --help explains it',
      });
    }
    const id = readClusterId(environment, clusterIdName[side]);
    if (!id) throw missing(clusterIdName[side]);
    const said = await sweep(api, id, folder, {});
    const lines = said.length > 0 ? said : ['nothing is left of any run'];
    process.stdout.write(lines.map((line) => harmless(`${side}: ${line}\n`)).join(''));
  }
}

function missing(name: string): RefreshError {
  return new RefreshError('bad-environment', 'it is not set', {
    object: name,
    hint: 'sweep needs DO_API_TOKEN and the id of each cluster that it is to look at',
  });
}
