import { RefreshError } from '../../model/errors.ts';
import type { ForkRun, Run } from '../../model/run.ts';
import { describeAddress } from '../../model/server-address.ts';
import { openFork } from '../../postgres/run-sessions.ts';
import { readSqlFiles } from '../../stages/before-publish.ts';
import { readOrigin, searchPathOf } from '../../stages/database.ts';
import { createJournal, hasJournal, readJournal, type Treatment } from '../../stages/fork/journal.ts';
import { decide } from '../../stages/fork/treatment.ts';
import { closeDatabase, readConnect } from '../../stages/fork/wall.ts';
import { plan } from '../../stages/plan.ts';
import type { ForkPreflight } from '../../stages/preflight/fork.ts';
import { orderOfViews } from '../../stages/settle.ts';
import { withSnapshot } from '../../stages/snapshot.ts';

/**
 * Decides what is to be done and writes it into the fork, or takes up what an earlier run has written there.
 *
 * @throws RefreshError `fork-spoiled` where that was another policy, and what `plan` throws.
 */
export async function beginTreatment(run: ForkRun, { servers }: ForkPreflight): Promise<Treatment> {
  await using session = await openFork(run);
  if (await hasJournal(session)) {
    const known = await readJournal(run, session);
    if (!known) throw otherPolicy(run);
    run.log.warn('an earlier run has begun to treat this fork: it goes on where that one stood');
    return known;
  }
  // The plan is made of what the backup holds, which is what is treated.
  const source: Run = { ...run, config: { ...run.config, production: run.config.staging } };
  const treatment = await withSnapshot(source, async (snapshot) => {
    const searchPath = searchPathOf(await readOrigin(snapshot.session, servers.staging.locale));
    const planned = await plan(source, snapshot);
    if (planned.policy) await readSqlFiles(planned.policy);
    const decided = await decide(
      planned,
      snapshot,
      (made, dependencies) => orderOfViews(made.catalog, dependencies),
      searchPath,
    );
    return { ...decided, searchPath, connect: await readConnect(session) };
  });
  const statements = [...createJournal(run, treatment), ...closeDatabase(servers, treatment.connect)];
  await session.run(['begin', ...statements, 'commit'].join(';\n'), 'the fork’s journal');
  return treatment;
}

function otherPolicy(run: ForkRun): RefreshError {
  return new RefreshError('fork-spoiled', 'it was begun under another policy or another mask key', {
    object: describeAddress(run.config.staging),
    hint: 'what is done can’t be taken back: make a new fork, or run it with the policy and the key of then',
  });
}
