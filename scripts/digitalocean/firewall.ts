import { RefreshError } from '../model/errors.ts';
import { pause } from '../system/pause.ts';
import type { Rule } from './answers.ts';
import type { DigitalOcean } from './client.ts';
import { nameRule, readMark, ruleLimit } from './rule.ts';

/** The list that is wanted instead, or `undefined` when the list is as wanted. Called again after every reading. */
export type Edit = (rules: readonly Rule[]) => readonly Rule[] | undefined;

export interface ChangeOptions {
  readonly signal?: AbortSignal;
  /** How long to wait before the list is looked at once more, in milliseconds; 1000 unless said. */
  readonly settleMs?: number;
}

export interface Change {
  /** The list at last. */
  readonly rules: readonly Rule[];
  readonly writes: number;
  /** What somebody else did to the list meanwhile, in words; empty where nothing was noticed. */
  readonly foreign: readonly string[];
}

const mostWrites = 12;

/**
 * Changes a cluster's trusted sources. The API only replaces whole lists and has no precondition, so: read, edit, write
 * at once, read again, and repair for as long as the edit still wants something. A list that looks right is read once
 * more after a pause: who had read it before our write may write after it. Neither an empty list is ever written, which
 * would let everybody in, nor one that was read before a failed attempt.
 *
 * A write between our reading and our writing is lost without a trace in the list; the cluster's events tell of it.
 *
 * @throws RefreshError `api-refused`, `api-unavailable`.
 */
export async function changeFirewall(
  api: DigitalOcean,
  clusterId: string,
  edit: Edit,
  options: ChangeOptions = {},
): Promise<Change> {
  const settle = () => pause(options.settleMs ?? 1000, options.signal);
  const foreign = new Set<string>();
  let events: ReadonlySet<string> | undefined;
  let written: readonly Rule[] | undefined;
  let writes = 0;
  let looked = 0;
  /** Readings that showed somebody else's write. */
  let seen = 0;
  for (;;) {
    const before = await api.firewall(clusterId);
    if (written && !sameList(written, before)) {
      seen++;
      for (const difference of differences(written, before)) foreign.add(difference);
    }
    const wanted = edit(before);
    if (!wanted) {
      if (writes === 0 || looked++ > 0) {
        const told = writes + seen;
        if (writes > 0 && events && (await moreWrites(api, clusterId, events, told))) foreign.add(unseen);
        return { rules: before, writes, foreign: [...foreign] };
      }
      written = before;
      await settle();
      continue;
    }
    requireWritable(wanted, clusterId);
    if (writes === mostWrites) throw contested(clusterId);
    looked = 0;
    if (!events) {
      events = new Set(await api.updateEvents(clusterId));
      // Reading the events took a moment, in which the list may have changed.
      continue;
    }
    writes++;
    written = (await replace(api, clusterId, wanted, writes)) ? wanted : undefined;
    if (!written) await settle();
  }
}

const unseen =
  'somebody else changed the list at the same moment: their change may have been overwritten, please look';

/** False when it is not known whether the list was written: it has to be read again. */
async function replace(
  api: DigitalOcean,
  clusterId: string,
  wanted: readonly Rule[],
  writes: number,
): Promise<boolean> {
  try {
    await api.replaceFirewall(clusterId, wanted);
    return true;
  } catch (error) {
    const again =
      error instanceof RefreshError && error.code === 'api-unavailable' && writes < mostWrites / 2;
    if (!again) throw error;
    return false;
  }
}

/** More changes than are known. Where DigitalOcean writes down none at all, there is nothing to compare. */
async function moreWrites(
  api: DigitalOcean,
  clusterId: string,
  before: ReadonlySet<string>,
  known: number,
): Promise<boolean> {
  const now = await api.updateEvents(clusterId);
  return now.filter((id) => !before.has(id)).length > known;
}

function requireWritable(rules: readonly Rule[], clusterId: string): void {
  if (rules.length === 0) {
    throw new RefreshError(
      'api-refused',
      'our rule is the last one: without it the cluster would be open to all',
      {
        object: `trusted sources of cluster ${clusterId}`,
        hint: 'add the sources that belong there, then: refresh doctor --fix',
      },
    );
  }
  if (rules.length > ruleLimit) {
    throw new RefreshError(
      'api-refused',
      `the list is full: DigitalOcean takes ${ruleLimit} trusted sources`,
      {
        object: `trusted sources of cluster ${clusterId}`,
        hint: 'remove one that nobody needs, or put several addresses into one range',
      },
    );
  }
}

function contested(clusterId: string): RefreshError {
  return new RefreshError('api-unavailable', 'somebody else keeps changing the list of trusted sources', {
    object: `trusted sources of cluster ${clusterId}`,
    hint: 'another program replaces the whole list again and again: stop it, or let it hold this machine’s address',
  });
}

function sameList(written: readonly Rule[], seen: readonly Rule[]): boolean {
  const lines = (rules: readonly Rule[]) =>
    rules.map((rule) => `${nameRule(rule)} ${rule.description ?? ''}`).sort();
  return lines(written).join('\n') === lines(seen).join('\n');
}

/** Rules of other runs come and go as they should. */
function differences(written: readonly Rule[], seen: readonly Rule[]): string[] {
  const missing = (from: readonly Rule[], others: readonly Rule[]) => {
    const names = new Set(others.map(nameRule));
    return from.filter((rule) => !names.has(nameRule(rule)) && !readMark(rule)).map(nameRule);
  };
  return [
    ...missing(seen, written).map((name) => `somebody else added ${name}`),
    ...missing(written, seen).map((name) => `somebody else removed ${name}`),
  ];
}
