import { asError } from '../../model/errors.ts';
import type { Published } from '../../model/report.ts';
import { applicationOf } from '../../model/run.ts';
import { LoneTransaction } from '../../postgres/lone-transaction.ts';
import { openMaintenanceSession } from '../../postgres/run-lock.ts';
import { type RunInPlace, sessionOptions } from '../../postgres/run-sessions.ts';
import { carrySettings, readSettings } from '../../stages/database.ts';
import { clearLive, lockLive } from '../../stages/in-place/clear.ts';
import { commitInPlace, madeIn } from '../../stages/in-place/commit.ts';
import { keepRows } from '../../stages/in-place/kept-rows.ts';
import { markOvertaken } from '../../stages/in-place/overtaken.ts';
import { readStanding, withoutStanding } from '../../stages/in-place/standing.ts';
import { readBefore } from './before.ts';
import type { Ground, LiveGround, Site } from './site.ts';

/** How long the server has to end the transaction of a run that failed. */
const endingMs = 10_000;

/**
 * Begins the one transaction of a run in place: locks the live database's tables, sets staging's own rows aside and drops
 * everything. Until COMMIT nobody else sees any of it, and nobody else reads or writes staging either.
 */
export async function openLive(ground: LiveGround): Promise<Site> {
  const { run, checked, origin, coming, stagingBackup } = ground;
  const transaction = await LoneTransaction.begin(run.config.staging, sessionOptions(run, 'staging'));
  const keeping = new AsyncDisposableStack();
  const discard = async () => {
    await giveUp(run, transaction);
    await keeping.disposeAsync();
  };
  try {
    run.log.warn(
      'in place: from now on until the end nobody else can use staging’s tables, and there is no rollback afterwards',
    );
    const begun = performance.now();
    await lockLive(run, transaction, checked.maintenance);
    const kept = keeping.use(await keepRows(run, transaction, coming.preserved));
    const standing = await borrowing(transaction, readStanding);
    const before = await borrowing(transaction, readBefore);
    await clearLive(run, transaction, checked.maintenance, standing, coming.tables);
    const live = checked.servers.staging.name;
    const searchPath = await borrowing(transaction, (session) =>
      readSettings(session, live).then((own) =>
        carrySettings(run, checked.servers, session, live, origin, own),
      ),
    );
    const inPlace: RunInPlace = { ...run, transaction };
    const schemas = await coming.schemasNamed(standing.schemas);
    const named = new Set(schemas.map(({ name }) => name));
    // Not what is coming, which has every table: this is kept to the end.
    const only = {
      extensions: without(standing.extensions, coming.extensions),
      schemas: without(standing.schemas, named),
    };
    return {
      run: inPlace,
      next: { name: live, searchPath },
      before,
      standing: {
        schemas: new Set(schemas.map(({ oid }) => oid)),
        schemaNames: standing.schemas,
        extensions: standing.extensions,
      },
      definitions: (script) => withoutStanding(script, only),
      openOwnRows: async () => kept,
      publish: async (): Promise<Published> => {
        await keeping.disposeAsync();
        await markOvertaken(run, transaction, checked.maintenance, stagingBackup);
        await commitInPlace(run, transaction, checked.maintenance);
        return { database: live, previous: null, lockedOutSeconds: (performance.now() - begun) / 1000 };
      },
      witness: () => madeIn(live, transaction),
      discard,
      // Databases that an earlier swap has set aside are not this one's, and there is no new one among them.
      prune: async () => undefined,
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

function without(all: ReadonlySet<string>, some: ReadonlySet<string>): Set<string> {
  return new Set([...all].filter((name) => !some.has(name)));
}

async function borrowing<Result>(
  transaction: LoneTransaction,
  work: (session: Awaited<ReturnType<LoneTransaction['borrow']>>) => Promise<Result>,
): Promise<Result> {
  await using session = await transaction.borrow({ search_path: '' });
  return await work(session);
}

/** Cuts the connection, and waits until the server has let go of staging's tables. */
async function giveUp(run: Ground['run'], transaction: LoneTransaction): Promise<void> {
  transaction.destroy();
  const applicationName = applicationOf(run);
  try {
    // On a connection of its own: what ended the run has cut the others.
    await using session = await openMaintenanceSession(run.config.staging, {
      side: 'staging',
      applicationName,
    });
    await session.rows(
      `select pg_catalog.pg_terminate_backend(pid, $2) from pg_catalog.pg_stat_activity
        where pid = $1 and application_name = $3`,
      [transaction.pid, endingMs, applicationName],
    );
  } catch (error) {
    const why = asError(error).message;
    run.log.warn(
      `the server ends the transaction by itself (${why}): staging is as it was, locked until then`,
    );
  }
}
