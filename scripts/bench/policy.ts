import { readFileSync } from 'node:fs';
import { connectionUrl } from '../local/server.ts';
import type { Table } from '../model/catalog.ts';
import type { Part, PlannedTable } from '../model/plan.ts';
import { Secret } from '../model/secret.ts';
import { parseConnectionUrl } from '../model/server-address.ts';
import { qualified } from '../model/table.ts';
import { type MaskSpec, maskExpression, toRule } from '../policy/masks.ts';
import { planSubset } from '../policy/subset.ts';
import { readTableFacts, type TableFacts } from '../policy/table-facts.ts';
import { readCatalog } from '../postgres/catalog.ts';
import { spliceCopy } from '../postgres/copy.ts';
import { copyOut } from '../postgres/copy-out.ts';
import { paddedKey } from '../postgres/padded-key.ts';
import { announcedPid } from '../postgres/pg-client.ts';
import { openSession, type Session } from '../postgres/session.ts';
import { copyOut as copyStatement } from '../stages/load/statements.ts';
import { planCopy } from '../stages/plan.ts';
import { type BenchPair, resetStaging } from './bench-pair.ts';
import type { Cells } from './comparison-table.ts';
import { keyedMasks, keylessMasks, singleMasks } from './mask-choice.ts';
import { median } from './measurement.ts';
import { cpuSecondsOfFamily } from './process-usage.ts';

/** What a data policy costs, measured with the engine's own statements between two servers. */
export interface PolicyCost {
  readonly rows: number;
  /** Seconds of whole copies of a table with ten columns to mask, by what is masked. */
  readonly copies: readonly { readonly what: string; readonly seconds: number; readonly ratio: number }[];
  /** Production's CPU-microseconds for one value, above those of copying it as it is. */
  readonly masks: readonly {
    readonly mask: string;
    readonly keyed: boolean;
    readonly microseconds: number;
  }[];
  /** Seconds to copy what a condition leaves, along foreign keys, and to copy the same rows from tables of their own. */
  readonly subset: { readonly seconds: number; readonly plain: number };
}

interface Bench {
  readonly source: Session;
  readonly target: Session;
  readonly tables: ReadonlyMap<string, Table>;
  readonly facts: TableFacts;
  readonly rounds: number;
}

const subsetTables = ['tenants', 'orders', 'lines'] as const;
const whole: Part = { from: null, to: null, bytes: 0 };

export async function measurePolicy(
  pair: BenchPair,
  production: string,
  rounds: number,
  say: (line: string) => void,
): Promise<PolicyCost> {
  await resetStaging(pair, 'shop', pair.app.user);
  await using source = await open(pair, 'production', production);
  await using target = await open(pair, 'staging', 'shop');
  const catalog = await readCatalog(source);
  const tables = new Map(catalog.tables.map((table) => [table.name, table]));
  const bench = { source, target, tables, facts: await readTableFacts(source), rounds };
  for (const name of ['people', ...subsetTables]) await makeTarget(bench, name);
  const { rows } = await source.row<{ rows: number }>('select count(*)::float8 as rows from public.people');
  say('whole copies');
  const copies = await measureCopies(bench);
  say('one mask after the other');
  const masks = await measureMasks(bench, rows);
  say('a subset along foreign keys');
  return { rows, copies, masks, subset: await measureSubset(bench) };
}

export function policyCells({ copies, masks, subset }: PolicyCost): {
  copies: Cells;
  masks: Cells;
  subset: Cells;
} {
  return {
    copies: [
      ['copy of the table', 'seconds', 'of the plain copy'],
      ...copies.map(({ what, seconds, ratio }) => [what, seconds.toFixed(2), ratio.toFixed(2)]),
    ],
    masks: [
      ['mask', 'keyed', 'µs a value and core'],
      ...masks.map(({ mask, keyed, microseconds }) => [
        `\`${mask}\``,
        keyed ? 'yes' : 'no',
        microseconds.toFixed(2),
      ]),
    ],
    subset: [
      ['three tables, half of their rows', 'seconds', 'of the plain copy'],
      ['from tables that hold only these rows', subset.plain.toFixed(2), '1.00'],
      [
        '`where` on the first, left out along two keys',
        subset.seconds.toFixed(2),
        (subset.seconds / subset.plain).toFixed(2),
      ],
    ],
  };
}

/** Everybody in turn, so that what the machine does besides meets all of them. */
async function measureCopies(bench: Bench): Promise<PolicyCost['copies']> {
  const ways = [
    { what: 'plain', masks: {} },
    { what: 'ten columns masked without a key', masks: keylessMasks },
    { what: 'ten columns masked with keyed hashes', masks: keyedMasks },
  ];
  const taken = ways.map(() => [] as number[]);
  for (let round = 0; round < bench.rounds; round++) {
    for (const [index, { masks }] of ways.entries()) {
      taken[index]?.push(await seconds(() => copy(bench, planned(bench, 'people', masks), 'people')));
    }
  }
  const plain = median(taken[0] ?? []);
  return ways.map(({ what }, index) => {
    const middle = median(taken[index] ?? []);
    return { what, seconds: middle, ratio: middle / plain };
  });
}

/** CPU time of production's process alone: who else uses the machine doesn't count, and neither does the network. */
async function measureMasks(bench: Bench, rows: number): Promise<PolicyCost['masks']> {
  const cpu = async (expression: string) => {
    const pid = announcedPid(bench.source.client);
    const begun = cpuSecondsOfFamily(pid);
    await copyOut(
      bench.source,
      `copy (select ${expression} from public.people) to stdout`,
      () => undefined,
      'people',
    );
    return cpuSecondsOfFamily(pid) - begun;
  };
  const measured = [];
  for (const { column, spec, keyed } of singleMasks) {
    const costs: number[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      const plain = await cpu(column);
      costs.push((await cpu(expressionOf(bench, column, spec))) - plain);
    }
    const mask =
      typeof spec === 'string' ? spec : JSON.stringify(spec).replaceAll(/["{}]/g, '').replace(':', ' ');
    measured.push({ mask, keyed, microseconds: (median(costs) / rows) * 1e6 });
  }
  return measured;
}

async function measureSubset(bench: Bench): Promise<PolicyCost['subset']> {
  const subsets = planSubset(
    subsetTables.flatMap((name) => {
      const table = bench.tables.get(name);
      return table ? [{ table, where: name === 'tenants' ? 'not is_test' : null }] : [];
    }),
    bench.facts.keys.map((key) => ({ ...key, action: 'leave-out' as const, label: key.name })),
  );
  const ways = { plain: [] as number[], subset: [] as number[] };
  await bench.source.run(`set work_mem = '64MB'`);
  for (let round = 0; round < bench.rounds; round++) {
    ways.plain.push(
      await seconds(async () => {
        for (const name of subsetTables) await copy(bench, planned(bench, `kept_${name}`, {}), name);
      }),
    );
    ways.subset.push(
      await seconds(async () => {
        for (const name of subsetTables) {
          const { table, ...rest } = planned(bench, name, {});
          await copy(bench, { ...rest, table, where: subsets.get(table.oid)?.where ?? null }, name);
        }
      }),
    );
  }
  return { seconds: median(ways.subset), plain: median(ways.plain) };
}

/** The same columns, and nothing that would cost time besides. */
async function makeTarget({ target, facts, tables }: Bench, name: string): Promise<void> {
  const columns = [...(facts.columns.get(tables.get(name)?.oid ?? 0)?.values() ?? [])];
  await target.run(
    `create table public.${name} (${columns.map((column) => `${column.name} ${column.declared}`).join(', ')})`,
  );
}

/** Into a table without indexes, emptied in the same transaction as for COPY FREEZE. */
async function copy({ source, target }: Bench, table: PlannedTable, into: string): Promise<void> {
  await spliceCopy({
    source,
    copyOut: copyStatement(table, whole, 'text'),
    target,
    copyIn: `begin; truncate public.${into}; copy public.${into} from stdin with (freeze); commit`,
    object: into,
  });
}

function planned(bench: Bench, name: string, masks: Readonly<Record<string, MaskSpec>>): PlannedTable {
  const table = bench.tables.get(name);
  if (!table) throw new Error(`no table ${name}`);
  const [plan] = planCopy(
    {
      tables: [table],
      indexes: [],
      foreignKeys: [],
      sequences: [],
      extensions: [],
      partitionedIndexes: [],
      largeObjects: [],
    },
    1,
  ).tables;
  if (!plan) throw new Error(`${qualified(table)} is no table that is copied`);
  return {
    ...plan,
    masks: new Map(
      Object.entries(masks).map(([column, spec]) => [column, expressionOf(bench, column, spec)]),
    ),
  };
}

function expressionOf({ facts, tables }: Bench, column: string, spec: MaskSpec): string {
  const known = facts.columns.get(tables.get('people')?.oid ?? 0)?.get(column);
  if (!known) throw new Error(`no column ${column}`);
  return maskExpression(toRule(spec), known);
}

async function open(pair: BenchPair, side: 'production' | 'staging', database: string): Promise<Session> {
  const server = pair[side];
  const url = connectionUrl(server, pair.app.user, pair.app.password, database);
  const address = parseConnectionUrl(url, 'BENCH', readFileSync(server.caFile, 'utf8'));
  return await openSession(address, {
    side,
    applicationName: 'staging-refresh bench',
    settings: { search_path: '' },
    startup: paddedKey(new Secret('the key of the benchmark')),
  });
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
