import type { RefreshError } from '../../model/errors.ts';
import type { PastRun } from '../../model/history.ts';
import type { LeftOut } from '../../model/plan.ts';
import type {
  LoadedTable,
  ManagedBackup,
  Published,
  Report,
  RestoredFile,
  Work,
  WrittenArtifact,
} from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import type { Verified } from '../../model/verified.ts';
import { makeReport, type ServerVersions } from '../../stages/report.ts';

/** What a run has found and made so far; whatever ends it, the report tells what is known by then. */
export class Outcome {
  servers: ServerVersions | undefined;
  restored: RestoredFile | undefined;
  /** Earlier runs that staging remembered when this one began. */
  remembered: readonly PastRun[] = [];
  tables: readonly LoadedTable[] = [];
  work: Work | undefined;
  readonly leftOut: LeftOut[] = [];
  verified: Verified | undefined;
  artifact: WrittenArtifact | undefined;
  published: Published | undefined;
  stagingBackup: WrittenArtifact | undefined;
  managedBackup: ManagedBackup | null = null;

  report(run: Run, phases: Report['phases'], error: RefreshError | undefined): Report {
    return makeReport(run, {
      phases,
      tables: this.tables,
      leftOut: this.leftOut,
      exitCode: error?.exitCode ?? 0,
      ...(this.work ? { work: this.work } : {}),
      ...(this.servers ? { servers: this.servers } : {}),
      ...(this.restored ? { restored: this.restored } : {}),
      ...(this.verified ? { verification: this.verified.verification } : {}),
      ...(this.artifact ? { artifact: this.artifact } : {}),
      ...(this.published ? { published: this.published } : {}),
      ...(this.stagingBackup ? { stagingBackup: this.stagingBackup } : {}),
      ...(this.managedBackup ? { managedBackup: this.managedBackup } : {}),
      ...(error ? { error } : {}),
    });
  }
}
