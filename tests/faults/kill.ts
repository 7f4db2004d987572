import { setTimeout as sleep } from 'node:timers/promises';
import { restoring, rollingBack } from './act.ts';
import { type Fault, phases, type Strike } from './fault.ts';
import type { Random } from './random.ts';
import { anyStatement, loggingStatements } from './statement-log.ts';

/** Each round: one death at every phase, two at random moments, a few around COMMIT, each command, and polite signals. */
export function killFaults(random: Random): Fault[] {
  const deaths = phases.map((phase) =>
    death('SIGKILL of the process group as a phase begins', { phase, delayMs: random.below(120) }),
  );
  const anywhere = Array.from({ length: 2 }, () =>
    death('SIGKILL of the process group at a random moment', { delayMs: random.below(4000) }),
  );
  return [...deaths, ...anywhere, ...aroundCommit(random), ...ofCommands(random), ...signals(random)];
}

/**
 * Aimed by what staging logs as it begins to carry it out: before the renames are sent it is asked two more questions;
 * once they have arrived, it goes on without us.
 */
function aroundCommit(random: Random): Fault[] {
  const swap = 'SIGKILL as the transaction of the renames';
  const begins = [0, 1].map((delayMs) => logged(`${swap} begins`, begin, 1, delayMs));
  const asked = [0, 0, 1, 2].map((delayMs) => logged(`${swap} is asked for its number`, number, 1, delayMs));
  const renaming = [0, 1, 5, 20, 60].map((delayMs) =>
    logged(`${swap} renames, and up to 60 ms later`, renames, 1, delayMs),
  );
  const committing = 'SIGKILL at the last statement before COMMIT, and up to 4 ms later';
  const inPlace = [0, 1, 4].flatMap((delayMs) => [
    { ...logged(`in place: ${committing}`, last, 1, delayMs), flags: liveFlags },
    {
      ...logged(`restore in place: ${committing}`, last, 1, delayMs),
      act: restoring,
      flags: liveFlags,
    },
  ]);
  const back = [0, 1, random.below(10)].map((delayMs) => ({
    ...logged('rollback: SIGKILL as the renames’ transaction is asked for its number', number, 1, delayMs),
    act: rollingBack,
  }));
  return [...begins, ...asked, ...renaming, ...inPlace, ...back];
}

const liveFlags = ['--strategy', 'in-place'];
const begin = /begin; listen staging_refresh/;
const number = /pg_current_xact_id/;
export const renames = /alter database "?business"? rename to/;
const last = /"synchronous_commit" ?: ?"on"/;

/** So many statements of theirs reach staging, or a few more. */
const statements = { inPlace: 170, restore: 140, restoreInPlace: 150, rollback: 22 };

/** Each dies three times, and is interrupted once. */
function ofCommands(random: Random): Fault[] {
  const at = (name: string, count: number, rest: Partial<Fault>) =>
    (['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGINT'] as const).map((signal) => ({
      ...logged(`${name}: ${signal} at a random statement`, anyStatement, 1 + random.below(count), 0, signal),
      ...rest,
    }));
  return [
    ...at('restore', statements.restore, { act: restoring }),
    ...at('restore in place', statements.restoreInPlace, { act: restoring, flags: liveFlags }),
    ...at('rollback', statements.rollback, { act: rollingBack }),
    ...at('in place', statements.inPlace, { flags: liveFlags }),
  ];
}

function death(name: string, moment: Fault['moment'], signal: NodeJS.Signals = 'SIGKILL'): Fault {
  const strike = async ({ run }: Strike) => {
    run.kill(signal);
    return undefined;
  };
  return { kind: 'kill', name, moment, expects: 'any', strike };
}

function logged(
  name: string,
  pattern: RegExp,
  nth: number,
  delayMs: number,
  signal: NodeJS.Signals = 'SIGKILL',
): Fault {
  return { ...death(name, { logged: { pattern, nth }, delayMs }, signal), arrange: loggingStatements };
}

function signals(random: Random): Fault[] {
  const polite = (['SIGTERM', 'SIGINT'] as const).map((signal) =>
    death(`${signal}, once`, { phase: random.pick(phases.slice(1, -2)), delayMs: random.below(150) }, signal),
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
