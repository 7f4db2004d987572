import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openAuthority } from '../../scripts/local/certificates.ts';
import { createUser } from '../../scripts/local/roles.ts';
import { createServer, removeServer } from '../../scripts/local/server.ts';
import { startPair, stopPair, type TestPair } from '../support/pair.ts';
import { diskFaults, mountSmall, stagingDiskFaults } from './disk.ts';
import { failoverFaults } from './failover.ts';
import { type Fault, type Kind, kinds } from './fault.ts';
import { Field } from './field.ts';
import { killFaults } from './kill.ts';
import { networkFaults } from './network.ts';
import { type Random, randomFrom } from './random.ts';
import { serverFaults } from './server.ts';
import { writeTable } from './table.ts';
import { type Trial, tryFault } from './trial.ts';
import { Twins } from './twins.ts';

/**
 * `npm run test:faults -- --seed 1 --rounds 3 --only kill,network --write docs/reliability.md`: real servers, the real
 * command line, real faults. Ends with 1 if anything was found that should not be.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: kinds.join(',') },
    match: { type: 'string', default: '' },
    write: { type: 'string' },
    log: { type: 'string' },
  },
});
const seed = Number(values.seed);
const rounds = Number(values.rounds);
const only = new Set(values.only.split(','));
/** Of the faults’ names. */
const match = new RegExp(values.match);
const say = (line: string) => process.stderr.write(`${line}\n`);

/** Servers of its own, one fault after the other. */
interface Part {
  readonly kind: Kind;
  readonly carryOut: (pair: TestPair, random: Random, tally: Tally) => Promise<void>;
}

interface Tally {
  readonly trials: Trial[];
  readonly reads: { good: number; refused: number };
}

/** The longest first: each of the two that go on at a time takes the next. */
const parts: readonly Part[] = [
  { kind: 'kill', carryOut: (pair, random, tally) => inField(pair, random, tally, killFaults) },
  { kind: 'server', carryOut: (pair, random, tally) => inField(pair, random, tally, serverFaults) },
  { kind: 'network', carryOut: (pair, random, tally) => inField(pair, random, tally, networkFaults) },
  // What fails over is another server afterwards.
  { kind: 'server', carryOut: withStandbys },
  { kind: 'disk', carryOut: onFullDisks },
  { kind: 'disk', carryOut: onSmallDisk },
];
const atOnce = 2;

process.exitCode = await campaign();

async function campaign(): Promise<number> {
  const begun = performance.now();
  const tallies = parts.map((): Tally => ({ trials: [], reads: { good: 0, refused: 0 } }));
  const waiting = [...parts.entries()].filter(([, { kind }]) => only.has(kind));
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [number, { carryOut }] = next;
      const pair = await startPair();
      try {
        // Of its own: what one part does must not change what the seed gives another.
        await carryOut(pair, randomFrom(seed + number), tallies[number] as Tally);
      } finally {
        await stopPair(pair);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const trials = tallies.flatMap((tally) => tally.trials);
  const sum = (count: (tally: Tally) => number) => tallies.reduce((total, tally) => total + count(tally), 0);
  const reads = { good: sum((tally) => tally.reads.good), refused: sum((tally) => tally.reads.refused) };
  const wrong = trials.filter((trial) => trial.wrong.length > 0);
  const minutes = (performance.now() - begun) / 60_000;
  say(
    `${trials.length} faults in ${minutes.toFixed(1)} min, ${reads.good} answers checked, ${wrong.length} findings`,
  );
  if (values.write) writeTable(values.write, { seed, rounds, only: [...only], trials, reads, minutes });
  if (values.log) writeFileSync(values.log, trials.map(protocol).join('\n\n'));
  return wrong.length === 0 ? 0 : 1;
}

async function inField(
  pair: TestPair,
  random: Random,
  tally: Tally,
  faults: (random: Random, round: number) => readonly Fault[],
): Promise<void> {
  await using field = await Field.open(pair);
  field.startReaders(2);
  await tellAll(field, random, tally, faults);
}

async function tellAll(
  field: Field,
  random: Random,
  { trials, reads }: Tally,
  faults: (random: Random, round: number) => readonly Fault[],
): Promise<void> {
  try {
    for (let round = 0; round < rounds; round++)
      for (const fault of faults(random, round)) await tell(field, fault, random, trials);
  } finally {
    reads.good += field.reads.good;
    reads.refused += field.reads.refused;
  }
}

/** Of the machine that the engine runs on. */
async function onFullDisks(pair: TestPair, random: Random, tally: Tally): Promise<void> {
  const small = join(pair.folder, 'small');
  const unmount = mountSmall(small, 12);
  if (!unmount) {
    say('skipped: full disks of this machine, since no file system can be mounted');
    return;
  }
  try {
    await inField(pair, random, tally, () => diskFaults(random, small));
  } finally {
    unmount();
  }
}

/** A staging server whose data lie on a file system of their own. */
async function onSmallDisk(pair: TestPair, random: Random, tally: Tally): Promise<void> {
  const disk = join(pair.folder, 'disk');
  const unmount = mountSmall(disk, 400);
  if (!unmount) {
    say('skipped: staging’s full disk, since no file system can be mounted');
    return;
  }
  const authority = await openAuthority(join(pair.folder, 'authority'));
  await mkdir(join(disk, 'staging'), { mode: 0o700 });
  const staging = await createServer({
    name: 'staging',
    folder: join(disk, 'staging'),
    tools: pair.tools,
    authority,
    settings: {
      fsync: 'off',
      max_wal_size: '64MB',
      min_wal_size: '32MB',
      wal_recycle: 'off',
      shared_buffers: '16MB',
    },
  });
  try {
    await createUser(staging, pair.app.user, pair.app.password);
    await using field = await Field.open(pair, { production: pair.production, staging });
    field.startReaders(1);
    await tellAll(field, random, tally, () => stagingDiskFaults(random, disk));
  } finally {
    await removeServer(staging).catch(() => undefined);
    unmount();
  }
}

async function withStandbys(pair: TestPair, random: Random, tally: Tally): Promise<void> {
  await using production = await Twins.open(pair.production, false);
  await using staging = await Twins.open(pair.staging, true);
  await using field = await Field.open(pair);
  field.startReaders(2);
  await tellAll(field, random, tally, () => failoverFaults(random, { production, staging }));
}

async function tell(field: Field, fault: Fault, random: Random, trials: Trial[]): Promise<void> {
  if (!match.test(fault.name)) return;
  const trial = await tryFault(field, fault, random);
  trials.push(trial);
  const { logged, phase = logged ? `statement ${logged.nth}` : 'start', delayMs } = fault.moment;
  const outcome = `${trial.struck ? '' : 'too late, '}exit ${trial.code ?? 'by signal'} ${trial.error ?? ''}, ${trial.published ? 'new' : 'old'}`;
  say(
    `${fault.kind}: ${fault.name} at ${phase} + ${delayMs} ms: ${outcome}, ${Math.round(trial.milliseconds)} ms, ${trial.cleanedBy}`,
  );
  for (const finding of trial.wrong) say(`  FOUND: ${finding}\n${trial.stderr.replaceAll(/^/gm, '    ')}`);
}

function protocol({ fault, stderr, wrong, code }: Trial): string {
  return `# ${fault.kind}: ${fault.name} ${JSON.stringify(fault.moment)} exit ${code} ${wrong.join('; ')}\n${stderr}`;
}

export type { Kind };
