import { RefreshError } from '../../model/errors.ts';
import type { Run } from '../../model/run.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import { catalogMoved } from '../../stages/snapshot/lockable.ts';

/** Sees to it that what is read of production's definitions is that of the snapshot; until rows are copied it costs little to begin anew. */
export class Standstill {
  readonly #run: Run;
  readonly #snapshot: Snapshot;
  readonly #patient: AbortSignal;

  /** @param patient when it fires, definitions that go on changing are taken as they were read. */
  constructor(run: Run, snapshot: Snapshot, patient: AbortSignal) {
    this.#run = run;
    this.#snapshot = snapshot;
    this.#patient = patient;
  }

  /** What was read. @throws RefreshError `catalog-moved` where it could not be because it changed meanwhile. */
  async told<Read>(reading: Promise<Read>): Promise<Read> {
    try {
      return await reading;
    } catch (error) {
      const asked = this.#run.signal.aborted ? false : await this.#snapshot.moved().catch(() => false);
      throw asked ? moved(error) : error;
    }
  }

  /** The same for the last that is read. @throws RefreshError `catalog-moved` where anything has changed meanwhile. */
  async still<Read>(reading: Promise<Read>): Promise<Read> {
    const read = await this.told(reading);
    if (!this.#patient.aborted && (await this.#snapshot.moved())) throw moved();
    return read;
  }
}

/** Gives what `work` does once production's definitions have stood still for it, which a migration's do some time. */
export async function untilStill<Result>(
  run: Run,
  work: (patient: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const patient = AbortSignal.timeout(run.config.lockWaitSeconds * 1_000);
  for (;;) {
    try {
      return await work(patient);
    } catch (error) {
      const again = error instanceof RefreshError && error.code === 'catalog-moved' && !patient.aborted;
      if (!again) throw error;
      run.log.info('production’s definitions changed while they were read: they are read once more');
    }
  }
}

function moved(cause?: unknown): RefreshError {
  return catalogMoved('production’s views, functions, types or indexes changed while they were read', cause);
}
