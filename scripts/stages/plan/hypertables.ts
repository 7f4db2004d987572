import type { Catalog } from '../../model/catalog.ts';
import { RefreshError } from '../../model/errors.ts';
import type { Run } from '../../model/run.ts';
import { display, type TableRef } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';

/**
 * Hypertables of TimescaleDB keep their rows in chunks, some of them compressed, and their order in tables of the
 * extension's that a role without superuser rights can't write: table by table they can't be copied, and a policy's mask
 * on one would reach none of its chunks. A fork without a policy takes them as they are.
 *
 * @throws RefreshError `extension-unsupported`.
 */
export async function refuseHypertables(run: Run, session: Session, { extensions }: Catalog): Promise<void> {
  if (!extensions.some(({ name }) => name === 'timescaledb')) return;
  if (run.config.strategy === 'fork' && !run.config.policy) return;
  const found = await session.rows<TableRef>(
    `select schema_name::text as schema, table_name::text as name
     from _timescaledb_catalog.hypertable order by schema_name ~ '^_timescaledb', 1, 2`,
  );
  const [first] = found;
  if (!first) return;
  throw new RefreshError(
    'extension-unsupported',
    `${found.length} hypertables of TimescaleDB, such as ${display(first)}, cannot be copied table by table`,
    {
      object: run.config.production.database,
      hint: 'refresh fork without a policy takes them: docs/runbook.md (extension-unsupported)',
    },
  );
}
