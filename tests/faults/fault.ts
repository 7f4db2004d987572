import type { Act } from './act.ts';
import type { EngineRun, Moment, Places } from './engine-run.ts';
import type { Field } from './field.ts';
import type { Random } from './random.ts';

export const kinds = ['kill', 'network', 'server', 'disk'] as const;
export type Kind = (typeof kinds)[number];

/** What happens to one run of the engine, and when. */
export interface Fault {
  readonly kind: Kind;
  /** A line of the table; the moment is not part of it. */
  readonly name: string;
  readonly moment: Moment;
  readonly flags?: readonly string[];
  readonly places?: Places;
  /** Whether the engine may go on to publish all the same, must, or must not; `any` for what may come too late. */
  readonly expects: 'published' | 'not published' | 'any';
  /** The only codes of the registry that it may end with. */
  readonly errors?: readonly string[];
  /** Another command than a refresh. */
  readonly act?: (field: Field) => Promise<Act>;
  /** Before the run; what it returns undoes it after the run. */
  readonly arrange?: (field: Field) => Promise<() => Promise<void>>;
  /** At the moment. What it returns undoes it after the run. */
  readonly strike?: (context: Strike) => Promise<(() => Promise<void>) | undefined>;
}

export interface Strike {
  readonly field: Field;
  readonly run: EngineRun;
  readonly random: Random;
}

/** As the engine announces them on stderr, in their order; `preserve` and `before-publish` are the policy's. */
export const phases = [
  'preflight',
  'snapshot',
  'plan',
  'schema',
  'copy',
  'constraints',
  'verify',
  'preserve',
  'before-publish',
  'publish',
  'clean up',
] as const;
