import { type Fault, phases } from './fault.ts';
import type { Random } from './random.ts';
import type { Trouble } from './tcp-proxy.ts';

const troubles: Readonly<Record<Trouble, { readonly name: string; readonly expects: Fault['expects'] }>> = {
  cut: { name: 'every connection is cut', expects: 'any' },
  reset: { name: 'every connection is reset', expects: 'any' },
  stall: { name: 'nothing gets through any more, of newcomers either', expects: 'any' },
  'stall one': { name: 'one connection stalls', expects: 'any' },
  delay: { name: '40 ms more for each packet', expects: 'published' },
  throttle: { name: '0.5 MB/s', expects: 'published' },
};

const sides = ['production', 'staging'] as const;
/** Of two rounds one has the phases that the other leaves out. */
const sharedAmong = 2;

/** Each round: every trouble on each side at a random phase, and a trouble on each side at every other phase. */
export function networkFaults(random: Random, round = 0): Fault[] {
  const fault = (side: (typeof sides)[number], trouble: Trouble, moment: Fault['moment']): Fault => ({
    kind: 'network',
    name: `${side}: ${troubles[trouble].name}`,
    moment,
    expects: troubles[trouble].expects,
    strike: async ({ field }) => {
      const proxy = field.proxies[side];
      proxy.begin(trouble, random.below);
      return async () => proxy.heal();
    },
  });
  const all = Object.keys(troubles) as Trouble[];
  const anytime = () => ({ phase: random.pick(phases.slice(0, -1)), delayMs: random.below(200) });
  const own = phases.filter((_, number) => number % sharedAmong === round % sharedAmong);
  return sides.flatMap((side) => [
    ...all.map((trouble) => fault(side, trouble, anytime())),
    ...own.map((phase) => fault(side, random.pick(all), { phase, delayMs: 0 })),
  ]);
}
