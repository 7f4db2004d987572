import type { StagingRun } from '../../model/run.ts';
import { listKinds, listQuestions, readAhead } from '../../postgres/dump-questions.ts';
import { lendConnection } from '../../postgres/lent-connection.ts';

import { runTool, type ServerTools } from '../../postgres/server-tools.ts';
import type { Session } from '../../postgres/session.ts';
import type { ChildResult } from '../../system/child.ts';
import { emptyFile } from './access.ts';

/**
 * Runs pg_dump on a connection of ours that is in a transaction already, with its questions asked ahead: it asks one
 * after the other, some hundred of a small schema, and each would take a round trip.
 *
 * @param session is over afterwards.
 */
export async function dumpAhead(
  run: StagingRun,
  tools: ServerTools,
  session: Session,
  args: readonly string[],
): Promise<ChildResult> {
  const dump = (environment: Readonly<Record<string, string>>, ...more: readonly string[]) =>
    runTool(tools, 'pg_dump', [...args, ...more], environment, run.signal);
  const nowhere = `--file=${await emptyFile(run, 'questions.dump')}`;
  const kinds = listKinds(session);
  kinds.catch(() => undefined);
  return await session.awaiting(
    lendConnection(session, run.temporary, dump, async (greeting) =>
      readAhead(
        await listQuestions(run.temporary, greeting, (environment) => dump(environment, nowhere)),
        await kinds,
      ),
    ),
  );
}
