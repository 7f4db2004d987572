import type { Session } from './session.ts';

// A row has 32 bits of the transaction that made it, and keeps them when it is frozen. age() takes what is more than 2^31
// transactions old for something of the future (xid.c, xid_age), and 2^32 later each number comes again.

/** More transactions than a run of ours lasts for. */
const manyTransactions = 2 ** 20;

/**
 * Of a row: that a transaction since `xid` has made it. Others may be younger than the one that asks.
 *
 * @param xid SQL.
 * @param xmin SQL for the row's own.
 */
export function isYoung(xid: string, xmin = 'xmin'): string {
  return `pg_catalog.age(${xmin}) between ${-manyTransactions} and pg_catalog.age(${xid})`;
}

/** Of a row that is there already: that it will look so as long as a run of ours lasts, or does so now. */
export const youngSoon = `pg_catalog.age(xmin) between ${-2 * manyTransactions} and 0`;

/** Whether the server is so old that there may be such rows. */
export async function mayLookYoung(session: Session): Promise<boolean> {
  const { old } = await session.row<{ old: boolean }>(
    `select pg_catalog.pg_current_xact_id()::text::numeric > ${2 ** 32 - 2 * manyTransactions} as old`,
  );
  return old;
}
