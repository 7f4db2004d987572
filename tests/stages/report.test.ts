import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { summaryLimitBytes } from '../../scripts/contract.ts';
import { RefreshError } from '../../scripts/model/errors.ts';
import { type Report, reportJsonSchema, reportSchema, summarySchema } from '../../scripts/model/report.ts';
import { readConfig } from '../../scripts/stages/config.ts';
import { makeReport, type Outcome, summarise } from '../../scripts/stages/report.ts';

const finishedAt = new Date('2026-11-22T02:01:30.500Z');

function reportOf(outcome: Partial<Outcome>, warnings: readonly string[] = []): Report {
  const run = {
    id: '20261122T020000_1a2b',
    startedAt: new Date('2026-11-22T02:00:00Z'),
    config: readConfig(
      {},
      {
        PRODUCTION_DB_URL: 'postgresql://u:Tr0ub4dor@prod:25060/shop',
        STAGING_DB_URL: 'postgresql://u:Tr0ub4dor@stag:25060/shop',
      },
    ),
    log: {
      phase: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      progress: () => undefined,
      warnings,
    },
    signal: new AbortController().signal,
    abort: () => undefined,
    temporary: '',
  };
  return makeReport(run, { phases: [], exitCode: 0, ...outcome }, finishedAt);
}

const manyTables = Array.from({ length: 10_000 }, (_, n) => ({
  schema: `schema_${n % 100}`,
  name: `a_table_with_quite_a_long_name_${n}`,
  treatment: 'copy' as const,
  rows: 1000,
  bytes: 123_456,
  seconds: 0.25,
}));
const published = {
  database: 'shop',
  previous: 'shop__previous_20261122t020000_1a2b',
  lockedOutSeconds: 0.03,
};

test('docs/report.schema.json is the schema that reports are written by', () => {
  assert.deepEqual(
    JSON.parse(readFileSync(new URL('../../docs/report.schema.json', import.meta.url), 'utf8')),
    reportJsonSchema(),
    `node -e "import('./scripts/model/report.ts').then((r) => console.log(JSON.stringify(r.reportJsonSchema(), null, 2)))" > docs/report.schema.json`,
  );
});

test('a published run’s report fits its schema and survives JSON', () => {
  const report = reportOf({
    phases: [{ name: 'copy', seconds: 1.5 }],
    tables: manyTables.slice(0, 2),
    leftOut: [{ object: 'EVENT TRIGGER x', reason: 'only a superuser' }],
    verification: { method: 'counts', tables: 2, rows: 2000, sequences: 1, constraints: 3, schemaEntries: 9 },
    published,
  });
  assert.deepEqual(reportSchema.parse(JSON.parse(JSON.stringify(report))), report);
  assertDescribed(report);
  assert.equal(report.outcome, 'published');
  assert.equal(report.seconds, 90.5);
  assert.equal(report.finishedAt, '2026-11-22T02:01:30.500Z');
});

test('a failed run’s report has the error and no credential', () => {
  const error = new RefreshError('login-refused', 'password authentication failed', {
    object: 'production prod:25060/shop',
    hint: 'copy a fresh connection string',
    cause: new Error('never in the report'),
  });
  const report = reportOf({ error, exitCode: error.exitCode });
  const text = JSON.stringify(report);
  assert.deepEqual(reportSchema.parse(JSON.parse(text)), report);
  assertDescribed(report);
  assert.deepEqual([report.outcome, report.exitCode, report.published], ['failed', 3, null]);
  assert.deepEqual(report.error, {
    code: 'login-refused',
    message: 'password authentication failed',
    object: 'production prod:25060/shop',
    hint: 'copy a fresh connection string',
  });
  assert.ok(!text.includes('Tr0ub4dor') && !text.includes('never in the report'));
});

test('the summary of ten thousand tables says their sums', () => {
  const summary = summarise(reportOf({ tables: manyTables, published }), '/r/refresh-report.json');
  assert.deepEqual(summarySchema.parse(JSON.parse(JSON.stringify(summary))), summary);
  assert.deepEqual([summary.tables, summary.rows, summary.bytes], [10_000, 10_000_000, 1_234_560_000]);
  assert.equal(summary.reportFile, '/r/refresh-report.json');
  assert.ok(Buffer.byteLength(JSON.stringify(summary)) < 2000);
});

test('few warnings are all in the summary', () => {
  const warnings = ['first', 'second', 'third'];
  assert.deepEqual(summarise(reportOf({ published }, warnings), 'r').warnings, warnings);
});

test('ten thousand warnings are cut to what fits, and the rest is pointed to', () => {
  const warnings = manyTables.map(({ name }) => `table ${name} looks like personal data`);
  const summary = summarise(reportOf({ tables: manyTables, published }, warnings), 'refresh-report.json');
  assert.ok(Buffer.byteLength(JSON.stringify(summary)) < summaryLimitBytes);
  assert.equal(summary.warnings[0], warnings[0]);
  assert.match(summary.warnings.at(-1) ?? '', /refresh-report\.json/);
});

test('the summary stays below its limit in bytes, whatever is long and in whatever script', () => {
  const long = '漢'.repeat(100_000);
  const error = new RefreshError('copy-differs', long, { object: long, hint: long });
  for (const outcome of [{ published }, { error, exitCode: 5 }]) {
    const warnings = Array.from({ length: 300 }, () => long);
    const summary = summarise(reportOf({ tables: manyTables, ...outcome }, warnings), 'refresh-report.json');
    const bytes = Buffer.byteLength(JSON.stringify(summary));
    assert.ok(bytes < summaryLimitBytes, `${bytes} bytes`);
    assert.deepEqual(summarySchema.parse(JSON.parse(JSON.stringify(summary))), summary);
  }
});

/** By a reader that knows nothing of ours but the JSON Schema. */
function assertDescribed(report: Report): void {
  const ajv = new Ajv2020();
  formats.default(ajv);
  assert.ok(ajv.validate(reportJsonSchema(), JSON.parse(JSON.stringify(report))), ajv.errorsText());
}
