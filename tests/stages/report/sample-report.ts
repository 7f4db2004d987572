import type { PastRun } from '../../../scripts/model/history.ts';
import { type Report, reportSchema } from '../../../scripts/model/report.ts';

/** Names that would do harm on a page that did not escape them. */
export const hostileNames = [
  '<script>document.title="owned"</script>',
  '"><img src=x onerror=document.title="owned">',
  "'; drop table -- &amp; \u202egnp.exe",
  'tab\tand\nline',
  'a name that is quite long, as long as PostgreSQL lets one be 63',
];

const names = ['order_lines', 'orders', 'audit_log', 'customers', 'sessions', 'products', ...hostileNames];

/** A published run of two workers, with everything that a report can hold. */
export function sampleReport(changes: Partial<Report> = {}): Report {
  const tables = names.map((name, place) => ({
    schema: place === 4 ? 'web' : 'public',
    name,
    treatment: place === 4 ? ('schema-only' as const) : ('copy' as const),
    rows: place === 4 ? 0 : Math.round(2_400_000 / (place + 1)),
    bytes: place === 4 ? 0 : Math.round(310_000_000 / (place + 1) ** 2),
    seconds: place === 4 ? 0 : 9.4 / (place + 1),
    ...(place === 3
      ? {
          masked: ['email', 'phone', 'full_name'].map((column) => ({ column, mask: column })),
          rowsLeftOut: 112,
        }
      : {}),
    ...(place === 5 ? { preserved: 3 } : {}),
  }));
  return reportSchema.parse({
    version: 1,
    runId: '20261122T020000_1a2b',
    outcome: 'published',
    exitCode: 0,
    startedAt: '2026-11-22T02:00:00.000Z',
    finishedAt: '2026-11-22T02:00:31.400Z',
    seconds: 31.4,
    strategy: 'swap',
    production: { host: 'prod.db.example.com', port: 25060, database: 'shop', serverVersion: '17.6' },
    staging: { host: 'staging.db.example.com', port: 25060, database: 'shop', serverVersion: '17.6' },
    phases: [
      ['preflight', 0, 1.2],
      ['snapshot', 1.2, 0.3],
      ['plan', 1.5, 0.4],
      ['schema', 1.9, 1.6],
      ['copy', 3.5, 22.9],
      ['constraints', 26.4, 0.7],
      ['verify', 27.1, 3.2],
      ['publish', 30.3, 0.4],
      ['clean up', 30.7, 0.7],
    ].map(([name, begun, seconds]) => ({ name, begun, seconds })),
    work: sampleWork(),
    tables,
    leftOut: [{ object: 'EVENT TRIGGER - audit_ddl', reason: 'only a superuser can make it' }],
    verification: {
      method: 'counts',
      tables: tables.length,
      rows: 6_912_044,
      sequences: 9,
      constraints: 41,
      schemaEntries: 212,
    },
    published: { database: 'shop', previous: 'shop__previous_20261122t020000_1a2b', lockedOutSeconds: 0.012 },
    artifact: {
      path: 'artifacts/prod_backup_20261122_020000.sql.zst',
      bytes: 98_123_456,
      sha256: 'f3'.repeat(32),
      encrypted: false,
    },
    managedBackup: {
      cluster: 'shop-production',
      createdAt: '2026-11-21T23:10:02Z',
      sizeGigabytes: 1.7,
      count: 7,
    },
    warnings: [
      'copied as it is, without a data policy: public.customers.birth_date looks like a date of birth',
      `left out: EVENT TRIGGER - ${hostileNames[0]}: only a superuser can make it`,
    ],
    ...changes,
  });
}

function sampleWork(): NonNullable<Report['work']> {
  const tasks = [
    [0, 'copy public.order_lines 1/2', 3.6, 8.1],
    [1, 'copy public.order_lines 2/2', 3.6, 8.4],
    [0, 'index public.order_lines_pkey', 11.7, 5.2],
    [1, 'copy public.orders 1/1', 12.0, 3.9],
    [1, 'index public.orders_customer', 15.9, 1.8],
    [0, 'constraints of public.order_lines', 16.9, 0.2],
    [0, 'load public.customers', 17.1, 1.1],
    [1, `load public.${hostileNames[0]}`, 17.7, 0.9],
    ...Array.from(
      { length: 40 },
      (_, n) => [n % 2, `load public.small_${n}`, 18.6 + Math.floor(n / 2) * 0.03, 0.03] as const,
    ),
    [0, 'analyze public.order_lines', 19.3, 1.4],
    [1, 'validate foreign key order_lines_order of public.order_lines', 19.4, 6.9],
  ] as const;
  return {
    workers: 2,
    sourceBytes: 402_000_000,
    tasks: tasks.map(([worker, name, begun, seconds]) => ({ worker, name, begun, seconds })),
  };
}

/** The same run some weeks earlier, growing by 4 % a week; one of them failed. */
export function sampleHistory(weeks = 8): PastRun[] {
  return Array.from({ length: weeks }, (_, week) => {
    const factor = 1.04 ** (week - weeks);
    const day = new Date(Date.UTC(2026, 10, 22 - 7 * (weeks - week), 2, 0, 30));
    const failed = week === 3;
    return {
      runId: `${day.toISOString().slice(0, 10).replaceAll('-', '')}T020000_0000`,
      finishedAt: day.toISOString(),
      outcome: failed ? ('failed' as const) : ('published' as const),
      seconds: failed ? 4.1 : 31.4 * factor,
      tables: failed ? 0 : 11,
      rows: failed ? 0 : Math.round(6_900_000 * factor),
      bytes: failed ? 0 : Math.round(480_000_000 * factor),
      sourceBytes: failed ? null : Math.round(402_000_000 * factor),
      ...(failed ? { error: 'host-unreachable' } : {}),
    };
  });
}

export function failedReport(): Report {
  return sampleReport({
    outcome: 'failed',
    exitCode: 5,
    published: null,
    verification: null,
    artifact: null,
    tables: [],
    leftOut: [],
    work: cutWork(),
    phases: [
      { name: 'preflight', begun: 0, seconds: 1.2 },
      { name: 'copy', begun: 1.2, seconds: 5 },
    ],
    warnings: [],
    error: {
      code: 'copy-differs',
      message: 'public.orders has 2000 rows in production and 1999 in the copy',
      object: `public.${hostileNames[1]}`,
      hint: 'staging is as it was; run it again',
    },
  });
}

/** A copy that failed at one table while the other worker was at another. */
function cutWork(): NonNullable<Report['work']> {
  return {
    workers: 2,
    sourceBytes: 400e6,
    tasks: [
      { worker: 0, name: 'load public.customers', begun: 1.3, seconds: 2 },
      { worker: 1, name: 'copy public.events 1/2', begun: 1.3, seconds: 4.8, failed: true },
      { worker: 0, name: 'index public.customers_name', begun: 3.3, seconds: 1.1 },
      { worker: 0, name: 'copy public.orders 1/1', begun: 4.4, seconds: 1.5, failed: true },
    ],
  };
}
