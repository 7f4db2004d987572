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

/** Each round: every trouble on each side, at a random phase. */
export function networkFaults(random: Random): Fault[] {
  return (['production', 'staging'] as const).flatMap((side) =>
    Object.entries(troubles).map(
      ([trouble, { name, expects }]): Fault => ({
        kind: 'network',
        name: `${side}: ${name}`,
        moment: { phase: random.pick(phases.slice(0, -1)), delayMs: random.below(200) },
        expects,
        strike: async ({ field }) => {
          const proxy = field.proxies[side];
          proxy.begin(trouble as Trouble, random.below);
          return async () => proxy.heal();
        },
      }),
    ),
  );
}
