import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RefreshError } from '../model/errors.ts';
import { type BenchPair, checkpoint, clearStaging, postmasters, resetStaging } from './bench-pair.ts';
import { type Contender, Workplace } from './contender.ts';
import { Distance } from './distant-server.ts';
import type { ContenderResult, Measurement } from './measurement.ts';
import { startMeter } from './meter.ts';
import { type Content, contentOf } from './production-data.ts';

export interface RoundsOptions {
  readonly pair: BenchPair;
  readonly contenders: readonly Contender[];
  readonly productionDatabase: string;
  readonly expected: Content;
  readonly rounds: number;
  readonly jobs: number;
  readonly roundTripMs?: number | undefined;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * Everybody in turn, round after round, each round with another one at its head: what the machine does besides, and
 * what a predecessor leaves in the caches, meets all of them.
 */
export async function runRounds(options: RoundsOptions): Promise<ContenderResult[]> {
  const { contenders, rounds, say } = options;
  for (const contender of contenders) await prepare(options, contender);
  const taken = new Map<Contender, Measurement[]>(contenders.map((contender) => [contender, []]));
  for (let round = 1; round <= rounds; round++) {
    const head = (round - 1) % contenders.length;
    for (const contender of [...contenders.slice(head), ...contenders.slice(0, head)]) {
      options.signal.throwIfAborted();
      const measurement = await measure(options, contender, round);
      taken.get(contender)?.push(measurement);
      say(`round ${round}/${rounds}  ${measurement.seconds.toFixed(1).padStart(6)} s  ${contender.title}`);
    }
  }
  return contenders.map((contender) => ({
    key: contender.key,
    title: contender.title,
    ours: contender.ours,
    measurements: taken.get(contender) ?? [],
  }));
}

/** Where what a contender has prepared lies from before the first round until the next benchmark. */
const preparedFolder = (pair: BenchPair, { key }: Contender) => join(pair.folder, 'prepared', key);

async function prepare(options: RoundsOptions, contender: Contender): Promise<void> {
  if (!contender.prepare) return;
  const { pair, productionDatabase, jobs, signal } = options;
  const prepared = preparedFolder(pair, contender);
  await rm(prepared, { recursive: true, force: true });
  await mkdir(prepared, { recursive: true, mode: 0o700 });
  const folder = join(pair.folder, 'work');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await resetStaging(pair, 'shop', contender.owner);
  const watch = () => undefined;
  const ports = { production: pair.production.port, staging: pair.staging.port };
  await contender.prepare(
    new Workplace({ pair, productionDatabase, folder, prepared, jobs, signal, ports, watch }),
  );
  await clearStaging(pair);
  options.say(`prepared: ${contender.title}`);
}

async function measure(options: RoundsOptions, contender: Contender, round: number): Promise<Measurement> {
  const { pair, productionDatabase, jobs, signal } = options;
  const folder = join(pair.folder, 'work');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  await resetStaging(pair, 'shop', contender.owner);
  await checkpoint(pair);

  await using distance = await Distance.open(pair, options.roundTripMs);
  const { ports } = distance;
  using meter = startMeter(postmasters(pair));
  const watch = (pid: number) => meter.watch(pid);
  const prepared = preparedFolder(pair, contender);
  const place = new Workplace({ pair, productionDatabase, folder, prepared, jobs, signal, ports, watch });
  try {
    const copied = await contender.copy(place);
    const usage = meter.stop();
    await proveSame(pair, contender, options.expected);
    return {
      contender: contender.key,
      round,
      ...usage,
      movedBytes: copied.movedBytes,
      phases: copied.phases ?? [],
      ...(distance.roundTrips === undefined ? {} : { roundTrips: distance.roundTrips }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
    await clearStaging(pair);
  }
}

/** A contender that left something out would look quick. */
async function proveSame(pair: BenchPair, contender: Contender, expected: Content): Promise<void> {
  const found = await contentOf(pair.staging, 'shop');
  for (const what of ['tables', 'rows', 'objects'] as const) {
    if (found[what] === expected[what]) continue;
    throw new RefreshError(
      'copy-differs',
      `${what} of the copy: ${found[what]}; of production: ${expected[what]}`,
      {
        object: contender.key,
        hint: 'no figure is given for a copy that is not whole',
      },
    );
  }
}
