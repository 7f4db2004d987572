import type { DigitalOcean } from '../../digitalocean/client.ts';
import { isAlive, listOpenings } from '../../digitalocean/opening.ts';
import { expired, nameRule, readMark } from '../../digitalocean/rule.ts';
import { RefreshError } from '../../model/errors.ts';
import type { Side } from '../../model/servers.ts';
import { type Check, failed, ok, skipped, together, type Verdict, verdictOf } from './finding.ts';
import { type Patient, sides } from './patient.ts';

export interface LeftoverOptions {
  /** Removes what is found; absent: it is only told. Returns what was done, in words. */
  readonly sweep?: (api: DigitalOcean, clusterId: string) => Promise<string[]>;
  /** Where this machine's runs write down what they open. */
  readonly folder: string;
}

/** Rules that killed runs have left on the lists of trusted sources: holes in a firewall that nobody needs. */
export function leftoverCheck(patient: Patient, options: LeftoverOptions): Check {
  return {
    id: 'leftovers',
    title: 'Trusted sources left by dead runs',
    examine: async () => together(await Promise.all(sides.map((side) => look(patient, side, options)))),
  };
}

async function look(patient: Patient, side: Side, { sweep, folder }: LeftoverOptions): Promise<Verdict> {
  const { api, clusterIds } = patient;
  const id = clusterIds[side];
  if (!api || api instanceof RefreshError || !id) return skipped(`${side}: not known without the API`);
  try {
    const done = sweep ? await sweep(api, id) : [];
    const now = new Date();
    const rules = await api.firewall(id);
    const dead = (await listOpenings(folder, id)).filter(({ opening }) => !isAlive(opening, now));
    const names = new Set([
      ...expired(rules, now).map(nameRule),
      ...dead.map(({ opening }) => `ip_addr ${opening.address}`),
    ]);
    if (names.size > 0) {
      return failed(
        `${side}: ${[[...names].join(', '), ...done].join('; ')}`,
        'refresh doctor --fix removes them',
      );
    }
    const living = rules.filter((rule) => readMark(rule));
    const note = living.map((rule) => `${nameRule(rule)} (${rule.description})`).join(', ');
    const found = note ? `in use, or to be removed when its time is over: ${note}` : 'none';
    return ok(`${side}: ${[...done, found].join('; ')}`);
  } catch (error) {
    return verdictOf(error);
  }
}
