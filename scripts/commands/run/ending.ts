import { asError, asRefreshError, RefreshError } from '../../model/errors.ts';
import type { Report } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import { notify, notifyStart } from '../../stages/notify.ts';
import { writeReport } from '../../stages/report.ts';
import { TrustedSources } from '../../stages/trusted-sources.ts';
import type { Stopwatch } from '../../system/stopwatch.ts';
import { reasonOf } from '../run-scope.ts';
import type { Outcome } from './outcome.ts';

/** What became of a run: `error` is set unless everything went well; `report` has the same for a reader. */
export interface RunResult {
  readonly report: Report;
  readonly error: RefreshError | undefined;
  /** The report as a page for people; undefined where none could be written. */
  readonly page: string | undefined;
}

/**
 * Carries out what makes staging new, with what stands around it whatever it is made of: trusted sources opened and
 * closed, somebody notified, the report written. Never throws for what can happen to a refresh.
 */
export async function seeThrough(
  run: Run,
  stopwatch: Stopwatch,
  outcome: Outcome,
  refresh: () => Promise<void>,
): Promise<RunResult> {
  const reportOf = (error: RefreshError | undefined) => outcome.report(run, stopwatch.phases(), error);
  const trustedSources = new TrustedSources(run);
  let error: RefreshError | undefined;
  try {
    await notifyStart(run);
    await trustedSources.open();
    await refresh();
  } catch (cause) {
    error = errorOf(run, outcome, cause);
  }
  error = await also(run, error, 'the trusted sources are not as they were', () => trustedSources.close());
  const ending = error;
  error = await also(run, error, 'nobody was notified', () => notify(run, reportOf(ending)));
  const report = reportOf(error);
  let page: string | undefined;
  try {
    page = await writeReport(run, report, outcome.remembered);
  } catch (cause) {
    if (error) run.log.warn(`the report could not be written: ${asError(cause).message}`);
    error ??= afterPublish('the report could not be written', run.config.reportFile, cause);
  }
  return { report, error, page };
}

export function afterPublish(message: string, object: string, cause: unknown): RefreshError {
  return new RefreshError('published-with-failures', `staging is refreshed, but ${message}`, {
    object,
    hint: 'staging is in use already; repair the cause, nothing has to be run again',
    cause,
  });
}

/** What follows the refresh may fail, too: that is told, and changes nothing about what became of staging. */
async function also(
  run: Run,
  error: RefreshError | undefined,
  failing: string,
  work: () => Promise<void>,
): Promise<RefreshError | undefined> {
  try {
    await work();
    return error;
  } catch (cause) {
    run.log.warn(`${failing}: ${asError(cause).message}`);
    return error ?? afterPublish(failing, 'clean up', cause);
  }
}

/** Of staging that is new already, another thing is told than of one that is as it was. */
function errorOf(run: Run, outcome: Outcome, cause: unknown): RefreshError {
  if (!outcome.published) return asRefreshError(reasonOf(run, cause));
  const reason: unknown = run.signal.reason;
  // What fails then fails of connections that were cut, which says nothing.
  if (reason instanceof RefreshError && reason.code === 'interrupted')
    return afterPublish('its clean-up was interrupted: the next run does it', 'clean up', undefined);
  const error = asRefreshError(cause);
  return error.code === 'published-with-failures'
    ? error
    : afterPublish('the run ended early', 'clean up', cause);
}
