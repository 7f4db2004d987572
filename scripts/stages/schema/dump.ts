import type { StagingRun } from '../../model/run.ts';
import { askOfOthers, listKinds, listQuestions } from '../../postgres/dump-questions.ts';
import { lendConnection } from '../../postgres/lent-connection.ts';
import type { OpenQuestions } from '../../postgres/open-questions.ts';
import { runTool, type ServerTools } from '../../postgres/server-tools.ts';
import type { Session } from '../../postgres/session.ts';
import type { ChildResult } from '../../system/child.ts';
import { emptyFile } from './access.ts';

/** A rehearsal takes a few hundredths of a second of a processor, and spares about ten round trips. */
const rehearsal = { fromRoundTripMs: 4, atMost: 3, fewestQuestions: 3 };
/**
 * Of more objects no catalog is asked for ahead: one question that was not foreseen, and all that was asked before it has
 * to be read first and wait here. Of 10,000 tables that is 12 MB, for a second at 20 ms.
 */
const manyObjects = 2000;

/**
 * Runs pg_dump on a connection of ours, with its questions asked ahead: it asks one after the other, some hundred of a
 * small schema, and each would take a round trip. It is rehearsed: first with no answers, then with those that are there
 * already, to hear what it asks because of them. Near the server only what it asks of each object of a kind is asked
 * ahead.
 *
 * @param session is over afterwards.
 * @param begin statements that begin the transaction in which it reads.
 */
export async function dumpAhead(
  run: StagingRun,
  tools: ServerTools,
  session: Session,
  begin: string,
  args: readonly string[],
): Promise<ChildResult> {
  const dump = (environment: Readonly<Record<string, string>>, ...more: readonly string[]) =>
    runTool(tools, 'pg_dump', [...args, ...more], environment, run.signal);
  const nowhere = `--file=${await emptyFile(run, 'questions.dump')}`;
  // Three statements, sent at once.
  const sent = performance.now();
  const begun = session.run(begin).then(() => performance.now() - sent);
  const listed = listKinds(session);
  for (const promise of [begun, listed]) promise.catch(() => undefined);
  const ahead = async (greeting: Buffer) => {
    const [roundTripMs, kinds] = [await begun, await listed];
    const others = askOfOthers(kinds);
    const rehearse = (questions?: OpenQuestions) =>
      listQuestions(
        run.temporary,
        greeting,
        (environment) => dump(environment, nowhere),
        questions?.replay(),
      );
    const objects = kinds.reduce((sum, { oids }) => sum + oids.length, 0);
    // Answers wait in our memory until pg_dump asks: near the server that spares nothing.
    const worthwhile = roundTripMs >= rehearsal.fromRoundTripMs && objects <= manyObjects;
    const first = worthwhile ? await rehearse() : [];
    return {
      next: others,
      async begin(questions: OpenQuestions) {
        questions.askAhead(first);
        for (let time = 0, asked = first; asked.length > 0 && time < rehearsal.atMost; time++) {
          await questions.answered();
          if (asked.length < rehearsal.fewestQuestions || questions.full) break;
          asked = await rehearse(questions);
          // What belongs to extensions is not known at first: a lock on their tables may be refused.
          const sure = asked.filter((statement) => time > 0 || !/^lock /i.test(statement));
          questions.askAhead(sure.flatMap((statement) => [statement, ...others(statement)]));
        }
      },
    };
  };
  return await session.awaiting(lendConnection(session, run.temporary, dump, ahead));
}
