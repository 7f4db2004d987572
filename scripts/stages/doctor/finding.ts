import { asError, RefreshError } from '../../model/errors.ts';

/** `skipped`: it could not be looked at, because of what another finding says or of what is not configured. */
export type Status = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Verdict {
  readonly status: Status;
  /** What was found, in a line or a few. */
  readonly found: string;
  /** The command or the click that repairs it. */
  readonly repair?: string;
}

export interface Check {
  readonly id: string;
  readonly title: string;
  /** Number of the documented workflow's problem that it looks for. */
  readonly problem?: number;
  examine(): Verdict | Promise<Verdict>;
}

export interface Finding extends Verdict {
  readonly id: string;
  readonly title: string;
  readonly problem: number | null;
}

/** Every check in turn, whatever becomes of the others. */
export async function examine(checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { id, title, problem, ...check } of checks) {
    const verdict = await Promise.resolve()
      .then(() => check.examine())
      .catch(verdictOf);
    findings.push({ id, title, problem: problem ?? null, ...verdict });
  }
  return findings;
}

export function ok(found: string): Verdict {
  return { status: 'ok', found };
}

export function warning(found: string, repair?: string): Verdict {
  return { status: 'warning', found, ...(repair ? { repair } : {}) };
}

export function failed(found: string, repair?: string): Verdict {
  return { status: 'failed', found, ...(repair ? { repair } : {}) };
}

export function skipped(found: string, repair?: string): Verdict {
  return { status: 'skipped', found, ...(repair ? { repair } : {}) };
}

/** An error of the engine is a finding with its hint for a repair. */
export function verdictOf(error: unknown): Verdict {
  if (!(error instanceof RefreshError)) return failed(asError(error).message);
  return failed(`${error.message}${error.object ? ` (${error.object})` : ''}`, error.hint);
}

/** The worst of several, with everything that was found. */
export function together(verdicts: readonly Verdict[]): Verdict {
  const order: readonly Status[] = ['failed', 'warning', 'ok', 'skipped'];
  const status = order.find((each) => verdicts.some((verdict) => verdict.status === each)) ?? 'skipped';
  const repairs = [...new Set(verdicts.flatMap(({ repair }) => repair ?? []))];
  return {
    status,
    found: verdicts.map(({ found }) => found).join('\n'),
    ...(repairs.length > 0 ? { repair: repairs.join('\n') } : {}),
  };
}
