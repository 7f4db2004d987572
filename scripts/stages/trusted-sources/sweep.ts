import type { DigitalOcean } from '../../digitalocean/client.ts';
import { type ChangeOptions, changeFirewall, type Edit } from '../../digitalocean/firewall.ts';
import { forgetOpening, isAlive, listOpenings } from '../../digitalocean/opening.ts';
import { closed, expired, nameRule, swept } from '../../digitalocean/rule.ts';

/**
 * Removes from a cluster's list what dead runs have left: rules whose description says that their time is over, and
 * those that this machine has written down for a run whose process is gone. Returns what was done, in words.
 */
export async function sweep(
  api: DigitalOcean,
  clusterId: string,
  folder: string,
  options: ChangeOptions,
): Promise<string[]> {
  const now = new Date();
  const said: string[] = [];
  const kept = await listOpenings(folder, clusterId);
  const alive = kept.filter(({ opening }) => isAlive(opening, now));
  for (const dead of kept.filter((each) => !alive.includes(each))) {
    const { address, run, uuid } = dead.opening;
    const shared = alive.some(({ opening }) => opening.address === address);
    const edit: Edit = (rules) => closed(rules, { run, address, uuid, shared });
    const { rules, writes, foreign } = await changeFirewall(api, clusterId, unlessLast(edit), options);
    if (writes > 0) said.push(`removed ip_addr ${address} from the trusted sources: run ${run} has left it`);
    said.push(...foreign);
    if (edit(rules)) said.push(lastOne(address));
    else await forgetOpening(dead);
  }
  const old = expired(await api.firewall(clusterId), now).map(nameRule);
  const edit: Edit = (rules) => swept(rules, now);
  const { rules, writes, foreign } = await changeFirewall(api, clusterId, unlessLast(edit), options);
  if (writes > 0)
    said.push(`removed ${old.join(', ')} from the trusted sources: left by a run that did not end`);
  for (const { value } of expired(rules, now)) said.push(lastOne(value));
  return [...new Set([...said, ...foreign])];
}

/** A rule that is the last one stays: without it the cluster would be open to all. */
function unlessLast(edit: Edit): Edit {
  return (rules) => {
    const wanted = edit(rules);
    return wanted && wanted.length > 0 ? wanted : undefined;
  };
}

function lastOne(address: string): string {
  return `ip_addr ${address} was left by a run that did not end, but it is the last trusted source, and an empty list is open to all: add those that belong there first`;
}
