import type { Table } from '../../model/catalog.ts';
import { RefreshError } from '../../model/errors.ts';
import type { PlannedTable } from '../../model/plan.ts';
import type { TableRule } from '../../model/policy.ts';
import { display, ident, qualified } from '../../model/table.ts';
import type { TableFacts } from '../../policy/table-facts.ts';
import type { Session } from '../../postgres/session.ts';

/** Rows of each masked table on which its masks are tried. */
const sampledRows = 200;

/** Whether a condition can be asked of a table: production parses it, and reads no row. */
export async function tryCondition(
  session: Session,
  table: Table,
  condition: string,
): Promise<string | undefined> {
  const only = table.kind === 'p' ? '' : 'only ';
  return told(
    await attempt(session, `select from ${only}${qualified(table)} where (${condition}\n) limit 0`),
  );
}

/**
 * Tries a table's masks on some of its rows: each value has to be one of the column's type, of its domain, and pass the
 * table's checks. The answer is a count: no value leaves production.
 */
export async function tryMasks(
  session: Session,
  planned: PlannedTable,
  rule: TableRule | undefined,
  facts: TableFacts,
): Promise<string[]> {
  const { table, masks } = planned;
  const columns = [...(facts.columns.get(table.oid)?.values() ?? [])];
  const masked = columns.filter(({ name }) => masks.has(name));
  if (masked.length === 0) return [];
  const sample = (names: ReadonlySet<string>) =>
    `(select ${columns.map(({ name }) => (names.has(name) ? `${masks.get(name)} as ${ident(name)}` : ident(name))).join(', ')} from only ${qualified(table)} limit ${sampledRows}) as sample`;
  const problems: string[] = [];
  const at = rule ? `${rule.at}: ` : '';
  for (const { name, declared } of masked) {
    const problem = await attempt(
      session,
      `select count(${ident(name)}::${declared}) from ${sample(new Set([name]))}`,
    );
    if (!problem) continue;
    const why = problem.code === 'mask-failed' ? '' : 'its mask gives what the column doesn’t take: ';
    problems.push(`${at}${display(table)}.${name}: ${why}${told(problem)}`);
  }
  if (problems.length > 0) return problems;
  const all = new Set(masked.map(({ name }) => name));
  for (const check of facts.checks) {
    if (check.table !== table.oid || !check.columns.some((name) => all.has(name))) continue;
    const condition = `select 1 / (count(*) = 0)::int from ${sample(all)} where (${check.condition}) is false`;
    const problem = await attempt(session, condition);
    if (problem)
      problems.push(`${at}${display(table)}: masked rows break its check ${check.name}: ${check.condition}`);
  }
  // Rows that the policy leaves out may be what is twice.
  if (planned.where !== null) return problems;
  for (const { table: of, name, condition, conditionColumns, entries } of facts.unique) {
    if (of !== table.oid || condition === null || !conditionColumns.some((column) => all.has(column)))
      continue;
    const known = entries.map((entry) => `${entry} is not null`).join(' and ');
    const twice = `select from ${sample(all)} where (${condition}) and ${known} group by ${entries.join(', ')} having count(*) > 1`;
    const problem = await attempt(session, `select 1 / (count(*) = 0)::int from (${twice}) as twice`);
    if (problem)
      problems.push(
        `${at}${display(table)}: masked rows are not unique in ${name}, which holds those where ${condition}`,
      );
  }
  return problems;
}

/** What the server said against a statement; a session that reads rows quotes no value. */
async function attempt(session: Session, sql: string): Promise<RefreshError | undefined> {
  await session.run('savepoint attempt');
  try {
    await session.run(sql);
    return undefined;
  } catch (error) {
    if (session.lost || !(error instanceof RefreshError)) throw error;
    return error;
  } finally {
    if (!session.lost) await session.run('rollback to savepoint attempt; release savepoint attempt');
  }
}

function told(problem: RefreshError | undefined): string | undefined {
  return problem?.message.slice(0, 300);
}
