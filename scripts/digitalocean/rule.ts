import { isIPv4 } from 'node:net';
import type { Rule } from './answers.ts';

/** DigitalOcean's published limit for one cluster's list. */
export const ruleLimit = 100;

/** What the description of a rule of ours says: which runs need it, and until when at the latest. */
export interface Mark {
  readonly runs: readonly string[];
  readonly until: Date;
}

const prefix = 'staging-refresh';

export function describeMark({ runs, until }: Mark): string {
  return `${prefix} ${runs.join(',')} until ${until.toISOString()}`;
}

export function readMark(rule: Rule): Mark | undefined {
  const match = /^staging-refresh ([\w,-]+) until (\S+)$/.exec(rule.description ?? '');
  const until = new Date(match?.[2] ?? Number.NaN);
  if (!match?.[1] || Number.isNaN(until.getTime())) return undefined;
  return { runs: match[1].split(','), until };
}

/** How the list lets an address in already: `undefined` when it doesn't. */
export function coverage(rules: readonly Rule[], address: string): Rule | 'open to all' | undefined {
  if (rules.length === 0) return 'open to all';
  return rules.find((rule) => rule.type === 'ip_addr' && holds(rule.value, address));
}

/** The list with the run's rule for the address; `undefined` when there is nothing to write. */
export function opened(
  rules: readonly Rule[],
  address: string,
  run: string,
  until: Date,
): readonly Rule[] | undefined {
  const standing = rules.find((rule) => rule.type === 'ip_addr' && rule.value === address && readMark(rule));
  const mark = standing && readMark(standing);
  if (!mark) {
    if (coverage(rules, address)) return undefined;
    return [...rules, { type: 'ip_addr', value: address, description: describeMark({ runs: [run], until }) }];
  }
  if (mark.runs.includes(run)) return undefined;
  // Another run from behind the same address: the rule is for both, and the last one takes it away.
  const both = { runs: [...mark.runs, run], until: mark.until > until ? mark.until : until };
  return rules.map((rule) => (rule === standing ? { ...rule, description: describeMark(both) } : rule));
}

/** The list that lets in this one address and nobody else; `undefined` when it does. */
export function alone(
  rules: readonly Rule[],
  address: string,
  run: string,
  until: Date,
): readonly Rule[] | undefined {
  const standing = rules.find((rule) => rule.type === 'ip_addr' && rule.value === address);
  if (standing && rules.length === 1) return undefined;
  const rule = { type: 'ip_addr', value: address, description: describeMark({ runs: [run], until }) };
  return [standing ? { ...standing, ...rule } : rule];
}

/** A rule of ours as its run remembers it: the uuid outlives a description that somebody else's write has wiped. */
export interface Remembered {
  readonly run: string;
  readonly address: string;
  readonly uuid: string | undefined;
  /** Other runs that need the same rule, where its description can't say so any more. */
  readonly shared: boolean;
}

/** The list without the run's rule; `undefined` when there is nothing to write. Empty, it would let everybody in: see `changeFirewall`. */
export function closed(rules: readonly Rule[], remembered: Remembered): readonly Rule[] | undefined {
  const { run, address, uuid, shared } = remembered;
  const standing = rules.find((rule) => {
    if (rule.type !== 'ip_addr' || rule.value !== address) return false;
    const mark = readMark(rule);
    return mark ? mark.runs.includes(run) : !rule.description && uuid !== undefined && rule.uuid === uuid;
  });
  if (!standing) return undefined;
  const mark = readMark(standing);
  const others = mark?.runs.filter((each) => each !== run) ?? [];
  if (mark && others.length > 0) {
    const description = describeMark({ runs: others, until: mark.until });
    return rules.map((rule) => (rule === standing ? { ...rule, description } : rule));
  }
  if (!mark && shared) return undefined;
  return rules.filter((rule) => rule !== standing);
}

/** Rules of runs that are past their time. */
export function expired(rules: readonly Rule[], now: Date): readonly Rule[] {
  return rules.filter((rule) => {
    const mark = readMark(rule);
    return mark !== undefined && mark.until < now;
  });
}

/** The list without what `expired` finds; `undefined` when there is nothing to write. */
export function swept(rules: readonly Rule[], now: Date): readonly Rule[] | undefined {
  const old = new Set(expired(rules, now));
  return old.size === 0 ? undefined : rules.filter((rule) => !old.has(rule));
}

/** `ip_addr 203.0.113.7`, as two lists are compared and as people are told. */
export function nameRule({ type, value }: Rule): string {
  return `${type} ${value}`;
}

function holds(value: string, address: string): boolean {
  const [network = '', bits = '32'] = value.split('/');
  if (!isIPv4(network) || !isIPv4(address)) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(network) / size) === Math.floor(numberOf(address) / size);
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
