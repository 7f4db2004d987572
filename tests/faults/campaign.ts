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

process.exitCode = await campaign();

async function campaign(): Promise<number> {
  const begun = performance.now();
  const random = randomFrom(seed);
  const pair = await startPair();
  const trials: Trial[] = [];
  const reads = { good: 0, refused: 0 };
  try {
    await inField(pair, trials, random, reads);
    if (only.has('disk')) await onSmallDisk(pair, trials, random, reads);
    if (only.has('server')) await withStandbys(pair, trials, random, reads);
  } finally {
    await stopPair(pair);
  }
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
  trials: Trial[],
  random: Random,
  reads: { good: number; refused: number },
): Promise<void> {
  const small = join(pair.folder, 'small');
  const unmount = only.has('disk') ? mountSmall(small, 12) : undefined;
  if (only.has('disk') && !unmount)
    say('skipped: full disks of this machine, since no file system can be mounted');
  await using field = await Field.open(pair);
  field.startReaders(2);
  try {
    for (let round = 0; round < rounds; round++) {
      const faults: Fault[] = [
        ...(only.has('kill') ? killFaults(random) : []),
        ...(only.has('network') ? networkFaults(random) : []),
        ...(only.has('server') ? serverFaults(random) : []),
        ...(unmount ? diskFaults(random, small) : []),
      ];
      for (const fault of faults) await tell(field, fault, random, trials);
    }
  } finally {
    unmount?.();
    reads.good += field.reads.good;
    reads.refused += field.reads.refused;
  }
}

/** A staging server whose data lie on a file system of their own. */
async function onSmallDisk(
  pair: TestPair,
  trials: Trial[],
  random: Random,
  reads: { good: number; refused: number },
): Promise<void> {
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
    for (let round = 0; round < rounds; round++)
      for (const fault of stagingDiskFaults(random, disk)) await tell(field, fault, random, trials);
    reads.good += field.reads.good;
  } finally {
    await removeServer(staging).catch(() => undefined);
    unmount();
  }
}

/** Last, since what fails over is another server afterwards. */
async function withStandbys(
  pair: TestPair,
  trials: Trial[],
  random: Random,
  reads: { good: number; refused: number },
): Promise<void> {
  await using production = await Twins.open(pair.production, false);
  await using staging = await Twins.open(pair.staging, true);
  await using field = await Field.open(pair);
  field.startReaders(2);
  for (let round = 0; round < rounds; round++)
    for (const fault of failoverFaults(random, { production, staging }))
      await tell(field, fault, random, trials);
  reads.good += field.reads.good;
  reads.refused += field.reads.refused;
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
