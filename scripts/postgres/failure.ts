import { asError, asRefreshError, RefreshError } from '../model/errors.ts';
import type { Side } from '../model/servers.ts';
import { clearValueRefused } from './clear-value.ts';
import {
  byNetworkCode,
  bySqlState,
  byWords,
  contradictions,
  type Known,
  known,
  roomInProduction,
} from './known-failures.ts';

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

/** Classes whose messages name objects and limits, never a value: connections, integrity, transactions, resources. */
const aboutNoValue = /^(08|23|25|40|53|54|55|57|58|XX)/;

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
