import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesIn } from '../support/artifact-folder.ts';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import { databasesBeside, leavingStagingAlone, makeScenario, smallProduction } from '../support/scenario.ts';
import { servers, testFolder } from '../support/servers.ts';

/** PostgreSQL's programs, but one: what staging's server has of a view is said in other words than production's. */
async function otherWords(): Promise<string> {
  const { tools } = await servers();
  const folder = await mkdtemp(join(await testFolder(), 'bin-'));
  const real = (name: string) => `'${join(tools.bindir, name)}'`;
  const program = async (name: string, text: string) =>
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await program('pg_restore', `exec ${real('pg_restore')} "$@"`);
  await program(
    'pg_dump',
    `${real('pg_dump')} "$@" || exit
for word; do case "$word" in
  --file=*.sql) sed -i 's/^    sum(total) AS sum$/    sum(totals_source.total) AS sum/' "\${word#--file=}" ;;
esac; done`,
  );
  return folder;
}

test('a definition that any restore says in other words is told; run and restore go on, and drop what they asked', async () => {
  await using scenario = await makeScenario();
  const environment = { ...scenario.environment, PG_BINDIR: await otherWords() };
  const artifacts = await testFolder();
  const told =
    'staging’s PostgreSQL says in other words what production has: totals; Type: VIEW; Schema: public';
  const { report } = await expectRun(environment, ['--artifact', artifacts]);
  assert.ok(report.warnings.includes(told), report.warnings.join('\n'));
  assert.equal((await databasesBeside(scenario.staging)).length, 1, 'the previous one, and no other');

  const [artifact = ''] = await filesIn(artifacts);
  const flags = [join(artifacts, artifact), '--keep-previous', '0'];
  const restored = await (await startEngine(environment, flags, 'restore')).result;
  assert.equal(restored.code, 0, restored.stderr);
  assert.deepEqual(restored.report?.warnings, [told]);
  assert.deepEqual(await databasesBeside(scenario.staging), []);
});

test('a definition that only the copy has is refused', async () => {
  // Materialized views are filled in the copy alone.
  await using scenario = await makeScenario(`${smallProduction}
    create function tamper() returns integer language plpgsql as $$
      begin
        if current_database() like '%\\_\\_next\\_%' then alter table public.orders alter total set default 7; end if;
        return 1;
      end $$;
    create materialized view tampers as select public.tamper();`);
  const says = /different orders; Type: TABLE; Schema: public/;
  await leavingStagingAlone(scenario, () =>
    expectFailure(scenario.environment, { exit: 5, code: 'copy-differs', says }, ['--no-artifact']),
  );
});
