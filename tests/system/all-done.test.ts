import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allDone, meanwhile } from '../../scripts/system/all-done.ts';

const soon = () => new Promise<void>((resolve) => setImmediate(resolve));

test('results come in the order of the work', async () => {
  const late = soon().then(() => 'late');
  assert.deepEqual(await allDone([late, Promise.resolve(2)]), ['late', 2]);
});

test('an error waits until nothing is under way any more', async () => {
  let ended = false;
  const other = soon()
    .then(soon)
    .then(() => {
      ended = true;
    });
  await assert.rejects(allDone([Promise.reject(new Error('first')), other]), /first/);
  assert.ok(ended, 'the other work still ran');
});

test('work beside other work: its failure waits for the other, whose own failure is silent then', async () => {
  let ended = false;
  const underWay = soon().then(() => {
    ended = true;
    throw new Error('the other one');
  });
  await assert.rejects(
    meanwhile(underWay, () => Promise.reject(new Error('this one'))),
    /this one/,
  );
  assert.ok(ended, 'the other work still ran');
});

test('the failure of what is under way is for whoever takes its result', async () => {
  const underWay = Promise.reject(new Error('later'));
  assert.equal(await meanwhile(underWay, () => Promise.resolve(7)), 7);
  await assert.rejects(underWay, /later/);
});
