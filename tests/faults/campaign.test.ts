import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPair, stopPair } from '../support/pair.ts';
import type { Fault } from './fault.ts';
import { Field } from './field.ts';
import { killFaults } from './kill.ts';
import { networkFaults } from './network.ts';
import { type Random, randomFrom } from './random.ts';
import { tryFault } from './trial.ts';

/** The short form of `npm run test:faults`: deaths while copying and publishing, and what a network does to staging. */
test('whatever ends a run, staging is the old database or the new one, and the next run cleans up', async (t) => {
  const random = randomFrom(20261122);
  // Its own servers: what a run leaves, and what staging logs, must not be another test's.
  const pair = await startPair();
  t.after(() => stopPair(pair));
  await using field = await Field.open(pair);
  field.startReaders(2);
  for (const fault of chosen(random)) {
    const trial = await tryFault(field, fault, random);
    assert.deepEqual(trial.wrong, [], `${fault.name} ${JSON.stringify(fault.moment)}\n${trial.stderr}`);
  }
  assert.ok(field.reads.good > 0, 'nobody read');
});

function chosen(random: Random): Fault[] {
  const kills = killFaults(random);
  const named = (part: string) => kills.filter(({ name }) => name.includes(part));
  return [
    ...kills.filter(({ moment }) => moment.phase === 'copy').slice(0, 1),
    ...named('renames begins').slice(0, 1),
    ...named('renames, and up to').slice(0, 1),
    ...named('SIGINT, once'),
    ...networkFaults(random)
      .filter(({ name }) => name === 'staging: every connection is reset')
      .slice(0, 1),
  ];
}
