import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTasks, type Task } from '../../scripts/system/task-graph.ts';
import { Diary, turn, type Worker, workers } from './diary.ts';

test('no task begins before all that it waits for has ended', async () => {
  const diary = new Diary();
  const a = diary.task('a', 1);
  const b = diary.task('b', 1);
  const c = diary.task('c', 1, [a, b]);
  const done = runTasks([a, b, c], workers(3));
  await turn();
  assert.deepEqual(diary.running, ['a', 'b']);
  await diary.end('a');
  assert.deepEqual(diary.running, ['b']);
  await diary.end('b');
  assert.deepEqual(diary.running, ['c']);
  await diary.end('c');
  await done;
});

test('the head of the heaviest chain goes first, however light it is itself', async () => {
  const diary = new Diary();
  const light = diary.task('light', 1);
  const middle = diary.task('middle', 5);
  const heavyTail = diary.task('tail', 10, [light]);
  const done = runTasks([middle, light, heavyTail], workers(1));
  await turn();
  for (const expected of ['light', 'tail', 'middle']) {
    assert.deepEqual(diary.running, [expected]);
    await diary.end(expected);
  }
  await done;
});

test('tasks with the same key never run at once, and keep no worker waiting', async () => {
  const diary = new Diary();
  const tasks = [
    diary.task('x1', 9, [], 'x'),
    diary.task('x2', 8, [], 'x'),
    diary.task('y', 1),
    diary.task('z', 1, [], 'z'),
  ];
  const done = runTasks(tasks, workers(3));
  await turn();
  assert.deepEqual(diary.running, ['x1', 'y', 'z']);
  await diary.end('y');
  assert.deepEqual(diary.running, ['x1', 'z']);
  await diary.end('x1');
  assert.deepEqual(diary.running, ['x2', 'z']);
  await diary.end('x2');
  await diary.end('z');
  await done;
});

test('what may join is begun together by one worker, and is seen one after the other', async () => {
  const diary = new Diary();
  const joining = (name: string, after: readonly Task<Worker>[] = [], alone?: string) => ({
    ...diary.task(name, 1, after, alone),
    joins: true,
  });
  const first = joining('first', [], 'x');
  const after = diary.task('after', 1, [first]);
  const tasks = [first, joining('second', [], 'x'), joining('third'), after];
  const seen: string[] = [];
  const watch = {
    began: ({ name }: { name: string }) => seen.push(`began ${name}`),
    ended: ({ name }: { name: string }) => seen.push(`ended ${name}`),
  };
  const done = runTasks(tasks, workers(1), watch);
  await turn();
  assert.deepEqual(diary.running, ['first', 'second', 'third']);
  await diary.end('first');
  assert.deepEqual(diary.running, ['second', 'third'], 'its worker is busy');
  await diary.end('third');
  await diary.end('second');
  await diary.end('after');
  await done;
  assert.equal(seen.length, 8);
  for (let index = 0; index < seen.length; index += 2)
    assert.equal(seen[index]?.replace('began', 'ended'), seen[index + 1]);
});

test('what may join is shared by the workers who are idle, and too much of it is left to them', async () => {
  const diary = new Diary();
  const joining = (name: string, weight: number) => ({ ...diary.task(name, weight), joins: true });
  const heavy = 5 * 1024 * 1024;
  const light = ['a', 'b', 'c', 'd'].map((name) => joining(name, 1));
  const done = runTasks(light, workers(2));
  await turn();
  assert.deepEqual(diary.running, ['a', 'b', 'c', 'd']);
  for (const name of ['a', 'b', 'c', 'd']) await diary.end(name);
  await done;
  const large = runTasks([joining('e', heavy), joining('f', heavy)], workers(1));
  await turn();
  assert.equal(diary.running.length, 1);
  await diary.end(diary.running[0] ?? '');
  await diary.end(diary.running[0] ?? '');
  await large;
});

test('a failure of what has joined is the first one, and the worker’s others come to their end', async () => {
  const diary = new Diary();
  const tasks = ['a', 'b'].map((name) => ({ ...diary.task(name, 1), joins: true }));
  const done = runTasks(tasks, workers(1));
  const thrown = assert.rejects(done, { message: 'first' });
  await turn();
  const [one = '', other = ''] = diary.running;
  await diary.end(one, new Error('first'));
  await diary.end(other, new Error('because of that'));
  await thrown;
});

test('each worker does one task at a time', async () => {
  const busy = new Set<Worker>();
  const seen = new Set<Worker>();
  const tasks = Array.from(
    { length: 40 },
    (_, n): Task<Worker> => ({
      name: `t${n}`,
      weight: n % 7,
      after: [],
      run: async (worker) => {
        assert.equal(busy.has(worker), false, 'the worker is busy');
        busy.add(worker);
        seen.add(worker);
        await turn();
        busy.delete(worker);
      },
    }),
  );
  await runTasks(tasks, workers(4));
  assert.equal(seen.size, 4);
});

test('the first failure begins nothing new, waits for what runs, and is the one thrown', async () => {
  const diary = new Diary();
  const a = diary.task('a', 3);
  const b = diary.task('b', 2);
  const tasks = [a, b, diary.task('waits', 1, [a]), diary.task('free', 1)];
  let settled = false;
  const done = runTasks(tasks, workers(2)).finally(() => {
    settled = true;
  });
  const thrown = assert.rejects(done, { message: 'first' });
  await turn();
  await diary.end('a', new Error('first'));
  assert.deepEqual(diary.running, ['b']);
  assert.equal(settled, false);
  await diary.end('b', new Error('second'));
  await thrown;
  assert.deepEqual(diary.lines, ['begin a', 'begin b', 'end a', 'end b']);
});

test('a task that throws before its first await is a failure as well', async () => {
  const task: Task<Worker> = {
    name: 'x',
    weight: 1,
    after: [],
    run: () => {
      throw new Error('at once');
    },
  };
  await assert.rejects(runTasks([task], workers(1)), { message: 'at once' });
});

test('no tasks, and ten thousand in a chain', async () => {
  await runTasks([], workers(2));
  const order: number[] = [];
  const tasks: Task<Worker>[] = [];
  for (let n = 0; n < 10_000; n++) {
    tasks.push({
      name: `t${n}`,
      weight: 1,
      after: tasks.slice(-1),
      run: () => {
        order.push(n);
        return Promise.resolve();
      },
    });
  }
  await runTasks(tasks, workers(3));
  assert.deepEqual(
    order,
    Array.from({ length: 10_000 }, (_, n) => n),
  );
});

test('who watches is told which worker began and ended what, also of a task that fails', async () => {
  const diary = new Diary();
  const told: string[] = [];
  const watch = {
    began: ({ name }: { readonly name: string }, worker: number) => told.push(`${worker} began ${name}`),
    ended: ({ name }: { readonly name: string }, worker: number) => told.push(`${worker} ended ${name}`),
  };
  const a = diary.task('a', 2);
  const b = diary.task('b', 1);
  const done = runTasks([a, b, diary.task('c', 1, [a])], workers(2), watch);
  done.catch(() => undefined);
  await turn();
  const [first, second] = told.map((line) => line[0]);
  assert.deepEqual([first, second].toSorted(), ['0', '1']);
  await diary.end('b');
  await diary.end('a');
  await diary.end('c', new Error('refused'));
  await assert.rejects(done, /refused/);
  assert.deepEqual(
    told.map((line) => line.slice(2)),
    ['began a', 'began b', 'ended b', 'ended a', 'began c', 'ended c'],
  );
  assert.equal(told[3]?.[0], first);
  assert.equal(told[2]?.[0], second);
});
