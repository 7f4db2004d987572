import { type ExitCode, exitCode } from '../contract.ts';

/**
 * The registry of errors: every failure of the engine has one of these codes, and docs/runbook.md has a paragraph
 * for each. A code's exit status never changes once published.
 */
export const errorRegistry = {
  'bad-flag': exitCode.badInput,
  'bad-environment': exitCode.badInput,
  'bad-url': exitCode.badInput,
  'bad-policy': exitCode.badInput,
  'bad-file': exitCode.badInput,

  'tool-missing': exitCode.precondition,
  'tool-too-old': exitCode.precondition,
  'host-unreachable': exitCode.precondition,
  'login-refused': exitCode.precondition,
  'tls-refused': exitCode.precondition,
  'database-missing': exitCode.precondition,
  'too-many-connections': exitCode.precondition,
  'pooled-connection': exitCode.precondition,
  'version-unsupported': exitCode.precondition,
  'same-database': exitCode.precondition,
  'replica-of-staging': exitCode.precondition,
  'staging-read-only': exitCode.precondition,
  'not-a-fork': exitCode.precondition,
  'fork-spoiled': exitCode.precondition,
  'already-running': exitCode.precondition,
  'not-permitted': exitCode.precondition,
  'extension-unsupported': exitCode.precondition,
  'unreadable-objects': exitCode.precondition,
  'protected-database': exitCode.precondition,
  'no-room': exitCode.precondition,
  'folder-unwritable': exitCode.precondition,
  'locks-insufficient': exitCode.precondition,
  'table-locked': exitCode.precondition,
  'api-refused': exitCode.precondition,
  'api-unavailable': exitCode.precondition,

  'catalog-moved': exitCode.failed,
  'connection-lost': exitCode.failed,
  'recovery-conflict': exitCode.failed,
  'lock-lost': exitCode.failed,
  'tool-failed': exitCode.failed,
  'statement-failed': exitCode.failed,
  'copy-failed': exitCode.failed,
  brake: exitCode.failed,
  'disk-full': exitCode.failed,
  'artifact-failed': exitCode.failed,
  'publish-failed': exitCode.failed,
  'publish-unknown': exitCode.failed,
  'publish-undone': exitCode.failed,
  'workflow-failed': exitCode.failed,
  'refresh-overdue': exitCode.failed,
  'protocol-violation': exitCode.failed,

  'empty-source': exitCode.verification,
  'source-shrunk': exitCode.verification,
  'copy-differs': exitCode.verification,
  'mask-failed': exitCode.verification,
  'preserve-failed': exitCode.verification,
  'before-publish-failed': exitCode.verification,
  'check-failed': exitCode.verification,

  'published-with-failures': exitCode.afterPublish,

  interrupted: exitCode.interrupted,
  /** An exception that nobody classified: a bug of ours. */
  unclassified: exitCode.failed,
} as const satisfies Record<string, ExitCode>;

export type ErrorCode = keyof typeof errorRegistry;

/** What to do whatever the place was; other codes say it where they are thrown. */
const usualHints: Partial<Record<ErrorCode, string>> = {
  'copy-failed': 'run it again; if it fails at the same table twice, report it with the log',
  'copy-differs': 'run it again; if the same differs twice, report it with the log',
  'protocol-violation': 'this should be impossible: report it with the log',
};

export interface ErrorDetails {
  /** What the error is about: a table, a database, a flag, a file. */
  readonly object?: string;
  /** What an operator can do about it. */
  readonly hint?: string;
  /** The error that led to this one, kept whole. */
  readonly cause?: unknown;
}

/** A failure that the engine understands. Its message is lower case, names no secret and ends without a full stop. */
export class RefreshError extends Error {
  readonly code: ErrorCode;
  readonly object: string | undefined;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'RefreshError';
    this.code = code;
    this.object = details.object;
    // Nobody is left without a next step.
    this.hint = details.hint ?? usualHints[code] ?? `docs/runbook.md has a section on ${code}`;
  }

  get exitCode(): ExitCode {
    return errorRegistry[this.code];
  }
}

/** Whether nobody knows if staging is the old one or the new one. */
export function isFateUnknown(error: unknown): boolean {
  return error instanceof RefreshError && error.code === 'publish-unknown';
}

/** Whether it says of staging what the reason of a run that was ended from elsewhere does not know. */
export function tellsFate(error: unknown): boolean {
  return isFateUnknown(error) || (error instanceof RefreshError && error.code === 'publish-undone');
}

/** What a run that failed with this code has left: words that follow "staging"; of a fork, the name of the fork. */
export function stateAfter(code: string | undefined, strategy?: string): string {
  if (strategy === 'fork') return 'is not ready yet; the one in use is as it was';
  return code === 'publish-unknown' ? 'is whole, old or new: nobody knows which' : 'is as it was';
}

/** What was thrown, as the Error that most of it is. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The same error, or an `unclassified` one around what nobody expected. */
export function asRefreshError(error: unknown): RefreshError {
  if (error instanceof RefreshError) return error;
  const message = asError(error).message;
  if (isFull(error)) {
    return new RefreshError('disk-full', `there is no room on this machine: ${message}`, {
      object: 'path' in error ? String(error.path) : 'TMPDIR',
      hint: 'make room, or name another folder for temporary files in TMPDIR',
      cause: error,
    });
  }
  return new RefreshError('unclassified', message, {
    cause: error,
    hint: 'this is a defect of staging-refresh: please report it with the log',
  });
}

/** Every small file that a run writes meets a full disk in the same way. */
function isFull(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code));
}

/**
 * The error as an operator reads it: `refresh: CODE: message (object)`, then its cause where that says more, then
 * `HINT:`.
 */
export function formatError(error: RefreshError): string {
  const lines = [`refresh: ${error.code}: ${withObject(error)}`];
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  if (cause && cause !== error.message && !error.message.includes(cause)) lines.push(`CAUSE: ${cause}`);
  return [...lines, `HINT: ${error.hint}`].join('\n');
}

/** Behind the message; of one with a list in it behind its first line, unless that names the object itself. */
function withObject({ message, object }: RefreshError): string {
  if (!object) return message;
  const [first = '', ...list] = message.split('\n');
  if (list.length === 0) return `${message} (${object})`;
  if (first.includes(object)) return message;
  const colon = first.endsWith(':') ? ':' : '';
  return [`${first.slice(0, first.length - colon.length)} (${object})${colon}`, ...list].join('\n');
}
