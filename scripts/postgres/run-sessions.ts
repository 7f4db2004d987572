import type { Run } from '../model/run.ts';
import { openSession, type Session, type SessionOptions, type Side } from './session.ts';

/** One state of production that every reader sees, for as long as the scope that made it lives. */
export interface Snapshot {
  /** As pg_export_snapshot() gave it: for readers and for `pg_dump --snapshot`. */
  readonly id: string;
  /** The exporting transaction: catalog queries run here. */
  readonly session: Session;
  /** A further connection that sees the same state. The caller closes it. */
  openReader(): Promise<Session>;
}

/** How a run's sessions call themselves, and what ends them. */
export function sessionOptions(run: Run, side: Side): SessionOptions {
  return { side, applicationName: `staging-refresh ${run.id}`, signal: run.signal };
}

/** With an empty search_path, values of types such as regclass come out qualified, as in pg_dump. */
export function openProduction(run: Run): Promise<Session> {
  return openSession(run.config.production, {
    ...sessionOptions(run, 'production'),
    settings: { search_path: '' },
  });
}

/** A session in one of staging's databases. */
export function openStaging(
  run: Run,
  database: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Session> {
  return openSession(run.config.staging, { ...sessionOptions(run, 'staging'), database, settings });
}
