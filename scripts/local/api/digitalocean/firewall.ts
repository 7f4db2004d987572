import { randomUUID } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';
import { parseBody } from '../body.ts';
import { Refusal } from '../route.ts';
import type { ScopedRoute } from './access.ts';
import { type Account, clusterOf, type RuleRecord, timestamp } from './account.ts';
import { ruleAnswer } from './cluster-answer.ts';
import { recordEvent } from './lifecycle.ts';

/** DigitalOcean's published limit for the list of trusted sources. */
const ruleLimit = 100;

const uuidPattern = /^$|^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A rule as the provider sends it: empty uuids and the year 1 stand for "not known yet". */
export const ruleSchema = z.object({
  uuid: z.string().regex(uuidPattern, 'invalid uuid').optional(),
  cluster_uuid: z.string().regex(uuidPattern, 'invalid uuid').optional(),
  type: z.enum(['droplet', 'k8s', 'ip_addr', 'tag', 'app'], { error: 'invalid firewall rule type' }),
  value: z.string().min(1, 'invalid firewall rule value'),
  created_at: z.iso.datetime({ offset: true }).optional(),
  description: z.string().optional(),
});

const listSchema = z.object({ rules: z.array(ruleSchema) });

export function firewallRoutes(account: Account): readonly ScopedRoute[] {
  const path = '/v2/databases/:cluster/firewall';
  return [
    {
      method: 'GET',
      path,
      scope: 'database:read',
      handle(request) {
        const cluster = clusterOf(account, request);
        return { status: 200, body: { rules: cluster.rules.map((rule) => ruleAnswer(cluster, rule)) } };
      },
    },
    {
      method: 'PUT',
      path,
      scope: 'database:update',
      handle(request) {
        const cluster = clusterOf(account, request);
        cluster.rules = acceptRules(account, cluster.rules, parseBody(listSchema, request.body).rules);
        recordEvent(account, cluster, 'cluster_update');
        return { status: 204 };
      },
    },
  ];
}

/**
 * The whole new list: a known uuid keeps its time, an empty one gets both, and a description lives only as long as
 * each list brings it along. Throws a 422 for what trusted sources can't hold.
 */
export function acceptRules(
  account: Account,
  known: readonly RuleRecord[],
  wanted: readonly z.infer<typeof ruleSchema>[],
): readonly RuleRecord[] {
  if (wanted.length > ruleLimit) throw new Refusal(422, `firewall is limited to ${ruleLimit} rules`);
  const now = timestamp(account.now());
  return wanted.map(({ uuid, type, value, description }) => {
    requireValue(type, value);
    return {
      uuid: uuid || randomUUID(),
      type,
      value,
      created_at: known.find((rule) => rule.uuid === uuid)?.created_at ?? now,
      ...(description !== undefined && { description }),
    };
  });
}

function requireValue(type: RuleRecord['type'], value: string): void {
  const valid = {
    ip_addr: isAddress(value),
    droplet: /^[1-9]\d*$/.test(value),
    k8s: value !== '' && uuidPattern.test(value),
    app: value !== '' && uuidPattern.test(value),
    tag: /^[\w:-]{1,255}$/.test(value),
  }[type];
  if (valid) return;
  const reason =
    type === 'ip_addr' && isIPv6(value.split('/', 1)[0] ?? '')
      ? 'IPv6 addresses are not supported'
      : 'invalid value';
  throw new Refusal(422, `invalid firewall rule ${type} ${value}: ${reason}`);
}

/** An IPv4 address, or a range of them in CIDR notation. */
function isAddress(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/');
  if (rest.length > 0 || !isIPv4(address)) return false;
  return bits === undefined || (/^\d{1,2}$/.test(bits) && Number(bits) <= 32);
}
