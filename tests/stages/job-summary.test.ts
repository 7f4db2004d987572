import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JobSummaryArgs, jobSummary } from '../../scripts/stages/job-summary.ts';
import { failedReport, sampleReport } from './report/sample-report.ts';

const args: JobSummaryArgs = {
  report: sampleReport(),
  outcome: 'success',
  error: undefined,
  nextRun: new Date('2026-11-29T02:00:00Z'),
  artifactName: 'production-db-backup-12',
  now: new Date('2026-11-22T02:10:00Z'),
};

test('a backup that GitHub did not take is not said to be kept', () => {
  assert.match(jobSummary(args), /^- 📦 Artifact `production-db-backup-12`: SHA-256/m);
  const refused = jobSummary({ ...args, artifactName: '' });
  assert.match(refused, /^- ⚠️ The backup is not kept: GitHub did not take it$/m);
  assert.doesNotMatch(refused, /📦/);
});

test('the cause stands at the top, as far as it can quote no row', () => {
  const failed = { ...args, report: failedReport(), outcome: 'failure' };
  const told = jobSummary({
    ...failed,
    error: { message: 'no answer (production db:25060)', hint: 'let it in' },
  });
  assert.match(
    told,
    /^## ❌ .*\n\n.*\n.*Please check logs.*\n- 🔎 no answer \(production db:25060\)\n- 💡 let it in\n/,
  );
  assert.doesNotMatch(jobSummary(failed), /🔎|💡/);
});
