import type { ErrorCode } from '../model/errors.ts';

/** A failure that people know, and what to do about it. */
export interface Known {
  readonly code: ErrorCode;
  /** In place of words that only who knows Node or OpenSSL understands; those become the cause. */
  readonly says?: string;
  readonly hint: string;
}

const tooManyConnections = known(
  'too-many-connections',
  'fewer jobs, fewer clients, a higher CONNECTION LIMIT of role or database, or a larger plan',
);

const roomInStaging = 'staging needs room for the live, the next and the previous database';

/** Nothing is written there, but sorting what a policy's condition asks for takes temporary files. */
export const roomInProduction =
  'production’s own disk is full: add storage there, or see what fills it; conditions of the policy that sort or join a lot take temporary files there';

/** SQLSTATEs (manual, appendix A) whose meaning for an operator does not depend on the statement. */
export const bySqlState: Readonly<Record<string, Known>> = {
  '28P01': known(
    'login-refused',
    'copy a fresh connection string from DigitalOcean; encode special characters of the password',
  ),
  '28000': known(
    'login-refused',
    'the server lets this role in only from elsewhere, over TLS, or not at all',
  ),
  '3D000': known(
    'database-missing',
    'check the database name at the end of the URL; if staging’s was dropped, create an empty one: a run fills it, rollback brings an earlier one back',
  ),
  '53300': tooManyConnections,
  '42501': known('not-permitted', 'refresh doctor lists the rights that each role needs'),
  '53100': known('disk-full', roomInStaging),
  '58030': known(
    'statement-failed',
    'the server could not read or write a file: look at its log and its disk',
  ),
  '22021': known(
    'statement-failed',
    'in a SQL_ASCII database a name or a definition is no UTF-8: rename it there',
  ),
  '55P03': known('table-locked', 'somebody holds a lock on it: try again when that transaction is over'),
  '57014': known('statement-failed', 'the server cancelled the statement: a time limit, or an administrator'),
  '57P01': known('connection-lost', 'an administrator ended the session, or the server shut down'),
  '57P02': known('connection-lost', 'the server crashed and restarts'),
  '57P03': known('host-unreachable', 'the server is starting up or shutting down'),
  '25P03': known('connection-lost', 'the server ended a session that was idle in a transaction'),
  '25P04': known(
    'connection-lost',
    'transaction_timeout of our role or database is too short for one statement: raise it',
  ),
  '57P05': known('connection-lost', 'the server ended an idle session'),
};

/** What the rows themselves are the reason for. PostgreSQL looks at a row when it is written, and never again. */
export const contradictions: Readonly<Record<string, string>> = {
  '23503':
    'production’s own rows may break that key (written with triggers off): repair them there, or leave them out by the policy’s where; docs/runbook.md (statement-failed) has the query',
  '23505':
    'production may hold a value twice, under an index that another version of its system’s collations has broken: REINDEX it there; or a policy’s mask gives it twice',
  '23514':
    'production’s own rows may break that check; or its function reads another table, which is not loaded yet: docs/runbook.md (statement-failed) has the repair',
};

/** What one SQLSTATE has several meanings for, and what PostgreSQL's programs print: told by the words. */
export const byWords: readonly (readonly [RegExp, Known])[] = [
  [
    /conflict with recovery/,
    known(
      'recovery-conflict',
      'the replica had to replay what our snapshot still needs: raise max_standby_streaming_delay or set hot_standby_feedback = on there, or read from the primary',
    ),
  ],
  [
    /out of shared memory/,
    known(
      'locks-insufficient',
      'the lock table is full: raise max_locks_per_transaction on that server, or run when fewer transactions hold locks',
    ),
  ],
  [/out of memory/, known('statement-failed', 'that server ran out of memory: fewer jobs, or a larger plan')],
  [/too many clients already|remaining connection slots|too many connections for/, tooManyConnections],
];

/** Of programs alone: their sessions' other errors have no SQLSTATE that we could see. */
const byProgramWords: readonly (readonly [RegExp, Known])[] = [
  ...byWords,
  [
    /could not (extend|write to) file .*No space left|could not extend file/,
    known('disk-full', roomInStaging),
  ],
  [
    /No space left|could not write to output file|could not close output file/,
    known('disk-full', 'make room in the folder for temporary files of this machine (TMPDIR)'),
  ],
  [
    /lock timeout/,
    known('table-locked', 'somebody holds a lock on it: try again when that transaction is over'),
  ],
  [
    /terminating connection|server closed the connection|connection to server was lost|could not receive data|SSL connection has been closed/,
    known(
      'connection-lost',
      'the server restarted, an administrator ended the session, or the network broke',
    ),
  ],
  [
    /could not connect to server|connection to server at .* failed/,
    known('host-unreachable', 'the server is starting up or shutting down, or the network broke'),
  ],
];

/** What a program's error lines mean; undefined where they name a statement. */
export function programFailure(stderr: string): { code: ErrorCode; hint: string } | undefined {
  return byProgramWords.find(([pattern]) => pattern.test(stderr))?.[1];
}

export const byNetworkCode: Readonly<Record<string, Known>> = {
  ECONNREFUSED: known(
    'host-unreachable',
    'check host and port; is the database running?',
    'nothing takes connections at that host and port',
  ),
  ENOTFOUND: known('host-unreachable', 'check the URL for typing errors', 'the host name is not known'),
  EAI_AGAIN: known(
    'host-unreachable',
    'is this machine’s network up? try again',
    'the name server does not answer',
  ),
  EHOSTUNREACH: known(
    'host-unreachable',
    'no route to the host: a private host name from outside its network?',
  ),
  ENETUNREACH: known(
    'host-unreachable',
    'no route to the host: a private host name from outside its network?',
  ),
  ETIMEDOUT: known('host-unreachable', 'is this machine among the cluster’s trusted sources?'),
  ECONNRESET: known('connection-lost', 'the network or the server cut the connection'),
  EPIPE: known('connection-lost', 'the network or the server cut the connection'),
};

export function known(code: ErrorCode, hint: string, says?: string): Known {
  return { code, hint, ...(says === undefined ? {} : { says }) };
}
