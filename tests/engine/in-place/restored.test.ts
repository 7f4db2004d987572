import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import {
  indexFrame,
  indexFrameLength,
  pack,
  packedIndexOf,
  trailerBytes,
} from '../../../scripts/artifact/format.ts';
import { indexSchema } from '../../../scripts/artifact/index-schema.ts';
import { environmentName } from '../../../scripts/contract.ts';
import { artifactFolder } from '../../artifact/programs.ts';
import { command } from '../../commands/command.ts';
import { contentOf } from '../../support/content.ts';
import { expectRun } from '../../support/engine.ts';
import { libpq } from '../../support/libpq.ts';
import { policyFlags } from '../../support/policy.ts';
import {
  as,
  databasesBeside,
  leavingStagingAlone,
  makeScenario,
  type Scenario,
  scenarioOf,
  smallProduction,
} from '../../support/scenario.ts';
import { servers, type TestDatabase } from '../../support/servers.ts';
import { makeScenarioInPlace, makeSteward } from '../../support/steward.ts';
import { difference, load, rowsByEnum } from '../../support/whole-dump.ts';

const inPlace = ['--strategy', 'in-place'];

test('every class of object comes back in place from an artifact and from a plain dump, by a role without CREATEDB', async () => {
  await using scenario = await makeScenario('');
  const { production, staging } = scenario;
  await load(production, 'everything.sql', 'app');
  await as('postgres', production, (session) =>
    session.query('create schema kept authorization app; create extension pg_trgm schema kept'),
  );
  // Large objects are their owner's to read.
  const reading = { ...scenario.environment, [environmentName.productionUrl]: production.url('postgres') };
  const { report } = await expectRun(reading, ['--artifact', await artifactFolder()]);
  const dump = await dumpOf(production);
  await using steward = await makeSteward(scenario);
  for (const file of [report.artifact?.path ?? '', dump]) {
    await as('postgres', staging, (session) =>
      session.query(`
        create schema spoilt authorization app; create table spoilt.it (id serial primary key);
        alter schema spoilt owner to ${steward.user};
        alter table spoilt.it owner to ${steward.user};
        grant create on schema public to public; comment on schema public is 'changed';
        alter default privileges for role app grant select on tables to doadmin`),
    );
    const beside = await databasesBeside(staging);
    const { stderr } = await command(steward.environment, ['restore', file, ...inPlace]);
    assert.match(stderr, /nobody else can use staging’s tables/);
    assert.match(stderr, /what it replaced is gone/);
    assert.deepEqual(await difference(production, staging, []), [], file);
    assert.equal(await rowsByEnum(production), await rowsByEnum(staging));
    assert.deepEqual(await databasesBeside(staging), beside);
  }
});

test('in place, too: staging’s own rows and settings, what it was before as a file, and a way to refuse', async (t) => {
  await using scenario = await makeScenarioInPlace(`
    ${smallProduction}
    create table flags (name text primary key); insert into flags values ('of production');`);
  const { staging, production } = scenario;
  const folder = await artifactFolder();
  const policy = (check: string, more = '') =>
    policyFlags(
      `
version: 1
unlisted: copy
tables:
  public.flags: { treatment: preserve }
  public.customers: { treatment: copy, mask: { name: { fixed: somebody } } }
before-publish: { check: ["${check}"] ${more} }
`,
    );
  const flags = await policy('select count(*) = 50 from customers where name = $$somebody$$');
  const { report } = await expectRun(scenario.environment, [...inPlace, '--artifact', folder, ...flags]);
  const file = report.artifact?.path ?? '';
  await as('app', staging, (session) =>
    session.query(`
      insert into flags values ('of staging'); drop table orders cascade; create table since (id integer);
      alter database "${staging.name}" set work_mem = '5MB'; grant connect on database "${staging.name}" to doadmin`),
  );
  const restore = (...more: readonly string[]) => ['restore', file, ...inPlace, ...more];
  const { environment } = scenario;

  const refused = async (
    name: string,
    args: readonly string[],
    expected: { readonly exit: number; readonly says: RegExp },
  ) =>
    await t.test(name, async () => {
      await leavingStagingAlone(scenario, async () => {
        const result = await command(environment, args, expected);
        return { ...result, signal: null, report: undefined, summary: undefined };
      });
    });
  await refused('by rename, by a role that can’t', ['restore', file], {
    exit: 3,
    says: /may not create databases/,
  });
  await refused('a check of the policy', restore(...(await policy('select false'))), {
    exit: 5,
    says: /check-failed/,
  });
  await refused('a command of the policy', restore(...(await policy('select true', ', command: "true"'))), {
    exit: 2,
    says: /command can’t work in place/,
  });
  await refused('rows that are not those of the index', ['restore', await withOtherCount(file), ...inPlace], {
    exit: 5,
    says: /customers: 50 rows loaded, 51 in the artifact/,
  });
  const dump = await dumpOf(production);
  await refused('a plain dump under a policy', ['restore', dump, ...inPlace, ...flags], {
    exit: 3,
    says: /go through a database of their own first/,
  });
  const failing = readFileSync(dump, 'utf8')
    .replace(/^SET row_security/m, 'COMMIT;\n$&')
    .replace(/^1\tcustomer 1$/m, '$&\tmore');
  writeFileSync(join(folder, 'failing'), failing);
  const said = ['restore', join(folder, 'failing'), ...inPlace];
  await refused('a plain dump without the policy that the last refresh had', said, {
    exit: 2,
    says: /bad-policy/,
  });
  await refused('a plain dump that fails after a COMMIT', [...said, '--policy', 'none'], {
    exit: 4,
    says: /statement-failed/,
  });

  const before = await contentOf(staging);
  const { stderr } = await command(environment, restore(...flags, '--backup-staging', '--artifact', folder));
  const backup = readdirSync(folder).find((name) => name.startsWith('staging_backup_')) ?? '';
  assert.match(stderr, new RegExp(`what it replaced is kept as ${join(folder, backup)}`));
  await as('postgres', staging, async (session) => {
    const ask = async (text: string) => (await session.query({ text, rowMode: 'array' })).rows;
    assert.deepEqual(await ask('select * from flags order by 1'), [['of staging']]);
    assert.deepEqual(await ask(`select count(*)::int, to_regclass('since') from orders`), [[2000, null]]);
    assert.deepEqual(
      await ask(
        `select setconfig, datacl::text ~ 'doadmin=c' from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
          where datname = current_database()`,
      ),
      [[['work_mem=5MB'], true]],
    );
  });
  assert.deepEqual(await databasesBeside(staging), []);
  // Who may make a database for its clear rows can have a plain dump under the policy in place.
  const { environment: admin } = await scenarioOf(production, staging);
  await command(admin, ['restore', dump, ...inPlace, ...flags]);
  await as('postgres', staging, async (session) => {
    const { rows } = await session.query('select distinct name from customers union select name from flags');
    assert.deepEqual(rows.map(({ name }) => name).sort(), ['of staging', 'somebody']);
  });
  await command(environment, ['restore', join(folder, backup), ...inPlace]);
  assert.deepEqual(await contentOf(staging), before);
  await refused('more locks than fit', await crowded(scenario, restore()), {
    exit: 3,
    says: /\d{5} objects to drop \+ \d+ to make .* may be used/,
  });
});

/** The same artifact with an index that wants one customer more. */
async function withOtherCount(file: string): Promise<string> {
  const sound = readFileSync(file);
  const length = indexFrameLength(sound.subarray(-trailerBytes), sound.length, file);
  const packed = packedIndexOf(sound.subarray(-length), file);
  const index = indexSchema.parse(JSON.parse(zstdDecompressSync(packed).toString('utf8')));
  const customers = index.catalog.tables.find(({ name }) => name === 'customers');
  const tables = index.tables.map((table) =>
    table.oid === customers?.oid ? { ...table, rows: table.rows + 1 } : table,
  );
  const altered = join(await artifactFolder(), 'altered.sql.zst');
  const other = await pack(Buffer.from(JSON.stringify({ ...index, tables }), 'utf8'));
  writeFileSync(altered, Buffer.concat([sound.subarray(0, -length), indexFrame(other)]));
  return altered;
}

async function crowded({ staging }: Scenario, args: string[]): Promise<string[]> {
  await as('app', staging, (session) => session.query('select lo_create(0) from generate_series(1, 11000)'));
  return args;
}

async function dumpOf(database: TestDatabase, flags: readonly string[] = []): Promise<string> {
  const { tools } = await servers();
  const file = join(await artifactFolder(), 'dump.sql');
  await promisify(execFile)(join(tools.bindir, 'pg_dump'), [...flags, `--file=${file}`], {
    env: libpq(database, 'postgres'),
  });
  return file;
}
