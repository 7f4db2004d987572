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
  // PgBouncer knows few settings, and from 1.20 on names those that it does not know (its manual, ignore_startup_parameters).
  if (/^unsupported startup parameter/.test(known.message)) return pooled(object, error);
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

/** Behind a pool each transaction may be another session's. */
export function pooled(object: string, cause?: unknown): RefreshError {
  return new RefreshError(
    'pooled-connection',
    'the URL leads to a connection pool, which cannot hold a snapshot or a lock',
    {
      object,
      hint: 'use the direct connection string (DigitalOcean: port 25060, not the pool’s 25061)',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
