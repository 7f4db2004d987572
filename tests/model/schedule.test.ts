import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CronExpressionParser } from 'cron-parser';
import { nextScheduled } from '../../scripts/model/schedule.ts';

const now = new Date('2026-11-22T22:34:16Z');

test('the next run of a schedule', () => {
  for (const [cron, expected] of [
    ['0 2 * * 0', '2026-11-29T02:00:00.000Z'],
    ['0 2 * * SUN', '2026-11-29T02:00:00.000Z'],
    ['0 2 * * 7', '2026-11-29T02:00:00.000Z'],
    ['*/15 * * * *', '2026-11-22T22:45:00.000Z'],
    ['0 0 29 2 *', '2028-02-29T00:00:00.000Z'],
    ['30 4 1,15 * 5', '2026-11-27T04:30:00.000Z'],
  ] as const) {
    assert.equal(nextScheduled(cron, now)?.toISOString(), expected, cron);
  }
});

test('what is no schedule has no next run', () => {
  for (const cron of [
    '',
    'weekly',
    '0 2 * *',
    '60 2 * * 0',
    '0 2 * * 8',
    '0 0 30 2 *',
    '0 2 * * MON-',
    '5-1 * * * *',
  ])
    assert.equal(nextScheduled(cron, now), undefined, cron);
});

test('the library that the Pulumi program uses says the same', () => {
  const fields = [
    ['0', '*/7', '5-20/3', '59'],
    ['2', '*', '0-6', '*/5'],
    ['*', '1', '31', '1-7'],
    ['*', 'JAN', '2-11/3'],
    ['*', '0', 'MON-FRI', '7', '2,4'],
  ];
  for (const minute of fields[0] ?? [])
    for (const hour of fields[1] ?? [])
      for (const day of fields[2] ?? [])
        for (const month of fields[3] ?? [])
          for (const weekday of fields[4] ?? []) {
            const cron = [minute, hour, day, month, weekday].join(' ');
            const expected = CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: now })
              .next()
              .toDate();
            assert.equal(nextScheduled(cron, now)?.toISOString(), expected.toISOString(), cron);
          }
});
