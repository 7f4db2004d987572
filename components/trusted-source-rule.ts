import { isIPv4 } from 'node:net';
import { isUuid } from '../scripts/model/uuid.ts';

/** One entry of a cluster's list of trusted sources. */
export interface TrustedSourceRule {
  readonly type: 'ip_addr' | 'droplet' | 'k8s' | 'tag' | 'app';
  readonly value: string;
}

/** DigitalOcean's published limit for one cluster. */
export const trustedSourcesLimit = 100;

/** Why DigitalOcean would refuse this rule, or undefined when it wouldn't. */
export function trustedSourceProblem(rule: TrustedSourceRule): string | undefined {
  switch (rule.type) {
    case 'ip_addr':
      return addressProblem(rule.value);
    case 'droplet':
      return /^\d+$/.test(rule.value) ? undefined : `"${rule.value}" is not a droplet's numeric id`;
    case 'k8s':
    case 'app':
      return isUuid(rule.value) ? undefined : `"${rule.value}" is not the UUID of a ${nouns[rule.type]}`;
    case 'tag':
      return /^[\w:-]{1,255}$/.test(rule.value)
        ? undefined
        : `"${rule.value}" is not a tag: letters, digits, _ : - only`;
  }
}

const nouns = { k8s: 'Kubernetes cluster', app: 'App Platform app' } as const;

function addressProblem(value: string): string | undefined {
  const [address = '', bits, ...rest] = value.split('/');
  if (value.includes(':')) return `"${value}" is IPv6: trusted sources hold IPv4 addresses only`;
  if (!isIPv4(address) || rest.length > 0) return `"${value}" is not an IPv4 address such as 203.0.113.7`;
  if (bits === undefined) return undefined;
  if (!/^\d+$/.test(bits) || Number(bits) > 32) return `"${value}" has no prefix length between 1 and 32`;
  if (Number(bits) === 0) {
    return `"${value}" is the whole internet: leave the list empty and say openToAll: true if that is meant`;
  }
  const network = networkOf(address, Number(bits));
  return network === address ? undefined : `"${value}" has host bits set: write ${network}/${bits}`;
}

function networkOf(address: string, bits: number): string {
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - bits);
  const network = Math.floor(number / size) * size;
  return [24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join('.');
}
