import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { dumpDifference } from '../support/dump-difference.ts';
import { expectRun } from '../support/engine.ts';
import { fillRegressionDatabase } from '../support/regression-database.ts';
import {
  engineEnvironment,
  freshDatabase,
  servers,
  type TestDatabase,
  testFolder,
} from '../support/servers.ts';

const source = process.env.PG_REGRESS;
const skip = source
  ? false
  : 'PG_REGRESS names no folder src/test/regress of PostgreSQL’s sources: see docs/completeness.md';

test('PostgreSQL’s own regression database arrives, and the report names every difference', {
  skip,
}, async (t) => {
  const pair = await servers();
  const production = await freshDatabase(pair.production, { prefix: 'regression', owner: 'postgres' });
  const staging = await freshDatabase(pair.staging, { prefix: 'regression', owner: 'postgres' });
  await fill(production, (line) => t.diagnostic(line));
  const environment = {
    ...(await engineEnvironment({ productionDatabase: production.name, stagingDatabase: staging.name })),
    [environmentName.productionUrl]: production.url('postgres'),
    [environmentName.stagingUrl]: staging.url('postgres'),
  };
  const flags = ['--verify', 'checksums', '--rehearse', '--jobs', '3'];
  const { report } = await expectRun(environment, flags);

  assert.deepEqual(report.leftOut, []);
  assert(report.tables.length > 500, 'the tests have left their tables');
  const warned = (pattern: RegExp) =>
    report.warnings.flatMap((line) => {
      const [, name] = pattern.exec(line) ?? [];
      return name === undefined ? [] : name;
    });
  // Each was compared by its checksum; as text its rows can't be the same.
  const reordered = warned(/^columns of (\S+) are /);
  const withoutRole = warned(/^privileges of roles that staging does not have are left out: (\S+)$/);
  // What 17.10’s own tests leave has none such, what those of other minor releases left had this one.
  assert(withoutRole.every((role) => role === 'regress_priv_user2'));
  const difference = await dumpDifference(
    production,
    staging,
    reordered.map((name) => `--exclude-table=${name}`),
  );
  const unnamed = difference.filter((line) => !withoutRole.some((role) => line.includes(` TO ${role};`)));
  assert.deepEqual(unnamed, []);
  for (const line of report.warnings) t.diagnostic(line);
});

async function fill(database: TestDatabase, say: (line: string) => void): Promise<void> {
  const pair = await servers();
  const scratch = await testFolder();
  for (const folder of [pair.folder, scratch]) await chmod(folder, 0o755);
  await asSuperuser(
    database,
    // As pg_regress makes it (create_database).
    ['lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time']
      .map((setting) => `alter database ${database.name} set ${setting} = 'C'`)
      .join(';'),
  );
  const broken = await fillRegressionDatabase(database, {
    source: source ?? '',
    serverLibraries: join(pair.tools.bindir, '../lib'),
    scratch,
    bindir: pair.tools.bindir,
  });
  if (broken.length > 0) say(`tests at which the server lost its connections: ${broken.join(', ')}`);
  // Tests that are newer than the server find a mistake of its own: no dump with such a rule can be restored.
  await asSuperuser(
    database,
    `do $$ declare wrong regclass; begin
       for wrong in select ev_class from pg_rewrite join pg_class c on c.oid = ev_class
                     where rulename = '_RETURN' and relkind = 'r' loop
         execute format('drop rule "_RETURN" on %s', wrong);
       end loop; end $$`,
  );
}

async function asSuperuser(database: TestDatabase, sql: string): Promise<void> {
  await withSession(database.server, superuser(database.server), database.name, (session) =>
    session.query(sql),
  );
}
