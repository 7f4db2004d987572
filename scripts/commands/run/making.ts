import type { Plan } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import type { DatabaseOrigin } from '../../stages/database.ts';
import type { Preflight } from '../../stages/preflight.ts';
import type { Destination } from '../../stages/schema/making.ts';
import type { Outcome } from './outcome.ts';
import type { Site } from './site.ts';
import type { Standstill } from './standstill.ts';

/** What every part of making the copy needs. */
export interface Making {
  readonly run: Run;
  readonly checked: Preflight;
  readonly snapshot: Snapshot;
  readonly standstill: Standstill;
  readonly planned: Plan;
  readonly origin: DatabaseOrigin;
  readonly site: Site;
  readonly destination: Destination;
  readonly outcome: Outcome;
  readonly phase: (name: string) => void;
}
