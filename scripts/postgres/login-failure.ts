import { RefreshError } from '../model/errors.ts';
import { classify, codeOf } from './failure.ts';

/** As `classify` for a login: a function that the database runs at each may fail (manual, "Event Trigger on Login"). */
export function classifyLogin(error: unknown, object: string): RefreshError {
  const known = classify(error, object);
  const refused = (message: string, hint: string) =>
    new RefreshError('login-refused', message, { object, hint, cause: error });
  if (typeof error === 'object' && error !== null && 'where' in error && error.where)
    return refused(
      `a login event trigger of that database failed: ${known.message}`,
      "SELECT evtname FROM pg_event_trigger WHERE evtevent = 'login'; names it: it has to let this role pass, and may write nothing where transaction_read_only is on",
    );
  // What the first packet asks for came with 14, so an older server refuses every session (PostgreSQL 14's release notes).
  if (/parameter "(idle_session_timeout|client_connection_check_interval)"/.test(known.message))
    return new RefreshError(
      'version-unsupported',
      'that server runs a PostgreSQL before 14, the oldest that works',
      {
        object,
        hint: 'upgrade it: control panel, the cluster, Settings, Upgrade version',
        cause: error,
      },
    );
  if (codeOf(error) === '55000') return refused(known.message, 'ALTER DATABASE … ALLOW_CONNECTIONS true;');
  return known;
}
