import * as pulumi from '@pulumi/pulumi';
import { type Summary, summarySchema } from '../scripts/model/report.ts';

/** What the engine printed with `--summary`, typed. */
export function readSummary(stdout: string): Summary {
  const summary = summarySchema.safeParse(parseJson(stdout));
  if (summary.success) return summary.data;
  throw new pulumi.RunError(
    'the last refresh left no summary that can be read: change staging-refresh:refreshTrigger to run it again',
  );
}

/** What went wrong after staging was published, in a sentence; undefined when nothing did. */
export function afterPublishProblem({ runId, error }: Summary): string | undefined {
  if (!error) return undefined;
  const hint = error.hint ? ` HINT: ${error.hint}` : '';
  return `refresh ${runId} was published, but something after that failed: ${error.code}: ${error.message}.${hint}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
