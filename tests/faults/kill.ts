import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, phases, type Strike } from './fault.ts';
import type { Random } from './random.ts';

/** Each round: one death at every phase, two at random moments, a few in the middle of publishing, and polite signals. */
export function killFaults(random: Random, round: number): Fault[] {
  const kill = async ({ run }: Strike) => {
    run.kill('SIGKILL');
    return undefined;
  };
  const deaths = phases.map(
    (phase): Fault => ({
      kind: 'kill',
      name: 'SIGKILL of the process group as a phase begins',
      moment: { phase, delayMs: random.below(120) },
      expects: 'any',
      strike: kill,
    }),
  );
  const anywhere = Array.from(
    { length: 2 },
    (): Fault => ({
      kind: 'kill',
      name: 'SIGKILL of the process group at a random moment',
      moment: { delayMs: random.below(4000) },
      expects: 'any',
      strike: kill,
    }),
  );
  return [...deaths, ...anywhere, ...publishSweep(round, kill), ...signals(random)];
}

/** Publishing takes from 50 to 400 ms, as busy as a machine is: round after round the sweep gets denser, like a vernier. */
function publishSweep(round: number, kill: Fault['strike']): Fault[] {
  const [first, step, count] = [(round * 7) % 25, 25, 16];
  return Array.from({ length: count }, (_, index) => ({
    kind: 'kill',
    name: 'SIGKILL while publishing, swept in steps',
    moment: { phase: 'publish', delayMs: first + index * step },
    expects: 'any',
    ...(kill ? { strike: kill } : {}),
  }));
}

function signals(random: Random): Fault[] {
  const polite = (['SIGTERM', 'SIGINT'] as const).map(
    (signal): Fault => ({
      kind: 'kill',
      name: `${signal}, once`,
      moment: { phase: random.pick(phases.slice(1, -2)), delayMs: random.below(150) },
      expects: 'any',
      strike: async ({ run }) => {
        run.kill(signal);
        return undefined;
      },
    }),
  );
  const twice: Fault = {
    kind: 'kill',
    name: 'SIGINT, twice',
    moment: { phase: random.pick(phases.slice(1, -2)), delayMs: random.below(150) },
    expects: 'any',
    // Sooner than 300 ms it would be taken for the same keystroke.
    strike: async ({ run }) => {
      run.kill('SIGINT');
      await sleep(320);
      run.kill('SIGINT');
      return undefined;
    },
  };
  return [...polite, twice];
}
