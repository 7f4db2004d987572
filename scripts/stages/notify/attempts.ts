import { setTimeout as sleep } from 'node:timers/promises';

/** What became of one try: `final` when repeating can't help. */
export type Attempt = 'delivered' | { readonly why: string; readonly final: boolean };

export const delivered = 'delivered' satisfies Attempt;

const most = 3;

/** Tries again until it is delivered or hopeless; then the reason. */
export async function repeat(
  work: () => Promise<Attempt>,
  firstWaitMs: number,
): Promise<string | typeof delivered> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await work();
    if (outcome === delivered) return delivered;
    if (outcome.final || attempt === most) return outcome.why;
    await sleep(firstWaitMs * 2 ** (attempt - 1));
  }
}
