import { asError, asRefreshError, type ErrorCode, RefreshError } from '../model/errors.ts';
import type { Side } from '../model/servers.ts';
import { clearValueRefused } from './clear-value.ts';

interface Known {
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
const roomInProduction =
  'production’s own disk is full: add storage there, or see what fills it; conditions of the policy that sort or join a lot take temporary files there';

/** SQLSTATEs (manual, appendix A) whose meaning for an operator does not depend on the statement. */
const bySqlState: Readonly<Record<string, Known>> = {
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
const contradictions: Readonly<Record<string, string>> = {
  '23503':
    'production’s own rows may break that key (written with triggers off): repair them there, or leave them out by the policy’s where; docs/runbook.md (statement-failed) has the query',
  '23505':
    'production may hold a value twice, under an index that another version of its system’s collations has broken: REINDEX it there; or a policy’s mask gives it twice',
  '23514':
    'production’s own rows may break that check; or its function reads another table, which is not loaded yet: docs/runbook.md (statement-failed) has the repair',
};

/** What one SQLSTATE has several meanings for, and what PostgreSQL's programs print: told by the words. */
const byWords: readonly (readonly [RegExp, Known])[] = [
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

const byNetworkCode: Readonly<Record<string, Known>> = {
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

/**
 * What `pg`, Node's sockets or the server reported, in the words of the registry.
 *
 * @param object whom it concerns: `production host:port/database`, a table, a statement's name.
 * @param ofRows whether the statement computes something of rows, whose values the server may quote.
 * @param side whose server said it, where that is known.
 */
export function classify(error: unknown, object: string, ofRows = false, side?: Side): RefreshError {
  if (error instanceof RefreshError) return error;
  const message = asError(error).message;
  const code = codeOf(error);
  const refused = clearValueRefused(message, code, object);
  if (refused) return refused;
  // Node has codes of five letters, too; an SQLSTATE has a digit.
  const sqlState = /^(?=.*\d)[0-9A-Z]{5}$/.test(code);
  const raised = ofRows && isRaised(error);
  const match = raised ? undefined : (bySqlState[code] ?? byNetworkCode[code] ?? fromServer(message, code));
  const known = match ?? (sqlState ? undefined : byMessage(message, code));
  if (known) {
    const { says = code.startsWith('22') ? withoutValues(message, code, false) : message } = known;
    const cause = says === message || known.says ? { cause: error } : {};
    const hint = code === '53100' && side === 'production' ? roomInProduction : known.hint;
    return new RefreshError(known.code, says, { object, hint, ...cause });
  }
  if (sqlState) {
    const said = raised ? unsaid : withoutValues(message, code, ofRows && !inText(error));
    return new RefreshError('statement-failed', `${said} (SQLSTATE ${code})${detailOf(error)}`, {
      object,
      hint:
        contradictions[code] ??
        'docs/runbook.md (statement-failed) has the usual causes; PostgreSQL’s manual, appendix A, explains the SQLSTATE',
      // What is hidden the cause would say again, but for its SQLSTATE.
      cause: said === message ? error : { code },
    });
  }
  // Rows that are written to a file on their way meet this machine's full disk.
  const own = asRefreshError(error);
  return own.code === 'unclassified' ? new RefreshError(own.code, message, { object, cause: error }) : own;
}

/** SQLSTATE of what a server has refused, as `classify` told it; `''` where it is none or is not known any more. */
export function refusalOf(error: unknown): string {
  return error instanceof RefreshError ? codeOf(error.cause) : '';
}

/** SQLSTATE or Node's error code; `''` where there is none. */
export function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}

/** 40001 and 53200 mean more than one thing. */
function fromServer(message: string, code: string): Known | undefined {
  return /^(40|53|57)/.test(code) ? byWords.find(([pattern]) => pattern.test(message))?.[1] : undefined;
}

function byMessage(message: string, code: string): Known | undefined {
  if (
    /does not support SSL|certificate|self[- ]signed|altnames|TLS|SSL routines/i.test(`${message} ${code}`)
  ) {
    const hint = 'give the cluster’s CA certificate in PRODUCTION_DB_CA or STAGING_DB_CA';
    if (/does not support SSL/i.test(message)) return known('tls-refused', hint, 'the server has no TLS');
    return known('tls-refused', hint, 'the server’s certificate can’t be verified');
  }
  if (code === '' && /timeout/i.test(message)) return byNetworkCode.ETIMEDOUT;
  if (/Connection terminated|Client has encountered a connection error|not queryable/i.test(message)) {
    return byNetworkCode.ECONNRESET;
  }
  return undefined;
}

/** Classes whose messages name objects and limits, never a value: integrity, transactions, resources, the server. */
const aboutNoValue = /^(23|25|40|53|54|55|57|58|XX)/;

/**
 * A value may be a person's, and this goes into logs: errors about data (class 22) quote it, a function's own words may
 * hold it, and a name that was looked up for a row is one.
 */
function withoutValues(message: string, code: string, ofRows: boolean): string {
  if (code.startsWith('22'))
    return message
      .replace(/: (".*|0x.*)$/s, '')
      .replace(/".*"/s, '…')
      .replaceAll(/ 0x[0-9a-f]{2}\b/g, '');
  return ofRows && !aboutNoValue.test(code) ? unsaid : message;
}

const unsaid = 'what is computed of a row failed; the server’s log has its words';

/** Whether a function chose the words, and perhaps a code of the server's own to go with them: RAISE … USING ERRCODE. */
function isRaised(error: unknown): boolean {
  return /^(pl_exec|plperl|plpy_|pltcl)/.test(String(Object(error).file));
}

/** Whether the server points to a place in the statement's text: then it speaks of that, and of no row. */
function inText(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'position' in error && error.position !== undefined;
}

/** Where the server says it happened: never DETAIL, which quotes rows. */
function detailOf(error: unknown): string {
  const at = typeof error === 'object' && error !== null && 'where' in error ? error.where : undefined;
  if (typeof at !== 'string') return '';
  const place = /^COPY [^,]+(, line \d+)?(, column [^:]+)?/.exec(at)?.[0];
  return place ? ` at ${place}` : '';
}

function known(code: ErrorCode, hint: string, says?: string): Known {
  return { code, hint, ...(says === undefined ? {} : { says }) };
}
