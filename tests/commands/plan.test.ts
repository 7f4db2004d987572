import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { contentOf } from '../support/content.ts';
import { entryOf } from '../support/entry.ts';
import { policyFlags } from '../support/policy.ts';
import { as, databasesBeside, makeScenario } from '../support/scenario.ts';

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function plan(environment: Readonly<Record<string, string>>, flags: readonly string[] = []): Promise<Said> {
  const entry = entryOf('plan');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [entry.file, 'plan', ...flags],
      { cwd: tmpdir(), env: { ...entry.environment, ...environment } },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const tables = `
  create table large (id int primary key, filler text);
  insert into large select g, repeat('x', 500) from generate_series(1, 2000) g;
  create table small (id int primary key);`;

test('a plan names every table, largest first, and changes nothing', async () => {
  await using scenario = await makeScenario(tables);
  const { production, staging, environment } = scenario;
  await as('app', production, (session) =>
    session.query('create table days (at date) partition by range (at)'),
  );
  await as('app', staging, (session) =>
    session.query(`
      create schema qa; create view qa.notes as select 1; create table days (at date) partition by range (at);
      create table days_1 partition of days for values from ('2026-01-01') to ('2026-02-01');
      do $$ begin for n in 1..9 loop execute format('create table "My %s" ()', n); end loop; end $$`),
  );
  const before = [await contentOf(production), await contentOf(staging)];

  const { code, stdout, stderr } = await plan(environment);
  assert.equal(code, 0, stderr);
  const [head, first, second] = stdout.split('\n');
  assert.match(head ?? '', /^# +table +treatment +rows +size/);
  assert.match(first ?? '', /^1 +public\.large +copy +.* 1\.\d MB/);
  assert.match(second ?? '', /^2 +public\.small +copy/);
  assert.match(
    stdout,
    /^lost: only staging has 1 schema \(qa\), 10 tables \(public\."My 1", (?:public\."My \d", ){4}…\), 1 view \(qa\.notes\)$/m,
  );
  assert.match(stdout, /^2 tables, .* to copy, 2 indexes, 0 foreign keys\.$/m);
  assert.match(stdout, /^time: about [\d.]+ s \(a guess from sizes: no earlier run is known\)$/m);
  assert.match(stdout, /^room: staging has .* needs up to .* more/m);
  assert.match(stdout, /^Nothing was changed\.$/m);

  assert.deepEqual([await contentOf(production), await contentOf(staging)], before);
  assert.deepEqual(await databasesBeside(staging), []);
});

test('a plan in JSON and in Markdown', async () => {
  await using scenario = await makeScenario(tables);
  const json = JSON.parse((await plan(scenario.environment, ['--json'])).stdout);
  assert.deepEqual(
    json.tables.map(({ table, treatment }: { table: string; treatment: string }) => `${table} ${treatment}`),
    ['public.large copy', 'public.small copy'],
  );
  const { stdout } = await plan(scenario.environment, ['--markdown']);
  assert.match(
    stdout,
    /^### Refresh plan\n\n\| table \| treatment \|[^\n]*\n\|---\|[^\n]*\n\| public\.large \| copy \| [^|]*\| 1\.\d MB \|/,
  );
});

test('problems come first, each with what to do about it', async () => {
  await using scenario = await makeScenario('create table people (id int primary key, email text)');
  const { stdout } = await plan(scenario.environment);
  assert.match(
    stdout,
    /^Look at this first:\n {2}! copied as it is, without a data policy: public\.people\.email .*\n {4}> refresh policy suggest/,
  );
  const { problems } = JSON.parse((await plan(scenario.environment, ['--json'])).stdout);
  assert.match(problems[0].hint, /refresh policy suggest/);
});

test('what a policy leaves out and through what, and what staging keeps', async () => {
  await using scenario = await makeScenario(`
    create table tenants (id int primary key, is_test boolean not null);
    create table sites (id int primary key, tenant int not null references tenants);
    insert into tenants values (1, false), (2, true);
    insert into sites select g, 1 + g % 2 from generate_series(1, 6) g;`);
  const flags = await policyFlags(`version: 1
tables:
  public.tenants: { where: not is_test, preserve: id = 3 }
`);
  const { stdout, stderr } = await plan(scenario.environment, flags);
  assert.match(stdout, /^without: public\.tenants: 1 row \(1 by not is_test\)$/m, stderr);
  assert.match(stdout, /^without: public\.sites: 3 rows \(3 by sites_tenant_fkey\)$/m);
  assert.match(stdout, /^kept: public\.tenants: staging’s own rows where id = 3$/m);
  const json = JSON.parse((await plan(scenario.environment, [...flags, '--json'])).stdout);
  const sites = json.tables.find(({ table }: { table: string }) => table === 'public.sites');
  assert.deepEqual(sites.through, [{ condition: 'sites_tenant_fkey', rows: 3 }]);
  assert.deepEqual(json.preserved, [{ table: 'public.tenants', rows: 'id = 3' }]);
  const { stdout: markdown } = await plan(scenario.environment, [...flags, '--markdown']);
  assert.match(markdown, /^- without: public\.sites: 3 rows \(3 by sites_tenant_fkey\)$/m);
});

test('a plan refuses what a run would refuse', async () => {
  await using scenario = await makeScenario('');
  const { code, stdout, stderr } = await plan(scenario.environment);
  assert.equal(code, 5, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^refresh: empty-source: /m);
  const json = await plan(scenario.environment, ['--json']);
  assert.equal(json.code, 5);
  assert.equal(JSON.parse(json.stdout).problems[0].code, 'empty-source');
  assert.match(
    (await plan(scenario.environment, ['--markdown'])).stdout,
    /^### Refresh plan: refused\n\n- ❌ `empty-source`/,
  );
});
