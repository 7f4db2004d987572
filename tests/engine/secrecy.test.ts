import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentName } from '../../scripts/contract.ts';
import { keySetting } from '../../scripts/postgres/padded-key.ts';
import { dumpSettings, openProduction } from '../../scripts/postgres/run-sessions.ts';
import type { Session } from '../../scripts/postgres/session.ts';
import { withSnapshot } from '../../scripts/stages/snapshot.ts';
import { expectFailure, type RunningEngine, startEngine } from '../support/engine.ts';
import { maskKey, policyFlags } from '../support/policy.ts';
import { runOf } from '../support/run.ts';
import { as, makeScenario, smallProduction } from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';

const policy = (file: string) => `version: 1
tables:
  public.customers: { mask: { name: { fixed: "x" } } }
before-publish: { command: 'env > ${file}; "$PG_BINDIR/psql" -Atqc "select current_database()" "$DATABASE_URL"; sleep 1' }
`;

test('while a run goes on no secret is in any argv, no file of its own is open to others, and no child knows too much', async () => {
  await using scenario = await makeScenario(smallProduction);
  const folder = await testFolder();
  const environmentFile = join(folder, 'environment');
  const [flag, file] = await policyFlags(policy(environmentFile));
  const environment: Record<string, string> = {
    ...scenario.environment,
    [environmentName.maskKey]: maskKey,
    [environmentName.ageIdentity]: 'AGE-SECRET-KEY-1THE-IDENTITY-OF-THIS-TEST',
  };
  const artifacts = join(folder, 'artifacts');
  const engine = await startEngine(environment, [flag, file, '--artifact', artifacts]);
  const watched = await watch(engine, artifacts);
  const result = await engine.result;
  assert.equal(result.code, 0, result.stderr);

  const secrets = [environmentName.productionUrl, environmentName.stagingUrl].flatMap((name) => {
    const url = environment[name] ?? '';
    return [url, new URL(url).password];
  });
  assert.ok(watched.arguments.size > 0 && watched.files.size > 0, 'nothing was watched');
  for (const secret of [...secrets, maskKey]) {
    for (const line of watched.arguments) assert.ok(!line.includes(secret), 'a secret is in argv');
  }
  assert.deepEqual(
    [...watched.files].filter(([, mode]) => (mode & 0o077) !== 0),
    [],
  );
  // Each of PostgreSQL's programs knows one server, and verifies it as strictly as the engine does.
  assert.ok(watched.programs.size > 0, 'no program was seen');
  for (const known of watched.programs) {
    // Or it is lent a connection of the engine's own, through a socket in its folder.
    assert.match(known, /(^|\0)(PGSSLMODE=verify-full|PGHOST=\/[^\0]+)\0/);
    assert.ok(!known.includes(maskKey) && !known.includes('AGE-SECRET-KEY'));
    const passwords = [environmentName.productionUrl, environmentName.stagingUrl].filter((name) =>
      known.includes(new URL(environment[name] ?? '').password),
    );
    assert.ok(passwords.length <= 1, 'a program knows both servers');
  }
  assert.deepEqual(result.temporaryFiles, []);
  assert.equal(statSync(result.report?.artifact?.path ?? '').mode & 0o777, 0o600);

  const child = await readFile(environmentFile, 'utf8');
  // As strict with the server's certificate as the engine itself, also where only libpq's own variables are read.
  assert.match(child, /^DATABASE_URL=.*sslmode=verify-full&sslrootcert=.+before-publish-ca\.pem$/m);
  assert.match(child, /^PGSSLROOTCERT=.+before-publish-ca\.pem$/m);
  // What a core file of theirs would hold (core(5)): no memory of their own.
  assert.deepEqual([...watched.dumped], ['00000000']);
  assert.match(result.stderr, /__next_\w+$/m);
  const production = new URL(environment[environmentName.productionUrl] ?? '').password;
  for (const secret of [production, maskKey, 'AGE-SECRET-KEY-1THE-IDENTITY-OF-THIS-TEST'])
    assert.ok(!child.includes(secret), 'before-publish knows a secret that is none of its business');
});

test('of a run’s sessions to production those have the masks’ key that read rows through masks', async () => {
  await using scenario = await makeScenario(smallProduction);
  const run = runOf(scenario.environment, { [environmentName.maskKey]: maskKey });
  const knows = async (session: Session) =>
    (
      await session.row<{ known: boolean }>(
        `select current_setting('${keySetting.inner}', true) <> '' as known`,
      )
    ).known ?? false;
  await withSnapshot(run, async (snapshot) => {
    await using reader = await snapshot.openReader();
    assert.equal(await knows(reader), true);
    assert.equal(await knows(snapshot.session), false);
    // pg_dump works over it.
    await using lent = await openProduction(run, dumpSettings);
    assert.equal(await knows(lent), false);
  });
});

test('a function’s words about a row are not told, whichever statement made it look at the row', async () => {
  for (const [what, sql] of [
    ['index public.told', 'create index told on large (said(name))'],
    ['public.seen', 'create materialized view seen as select said(name) from large'],
  ] as const) {
    await using scenario = await makeScenario(`
      create function said(name text) returns text immutable language plpgsql as $$
        begin
          if current_database() like '%\\_\\_next\\_%' then raise exception 'no place for %', name; end if;
          return name;
        end $$;
      create table large (name text, filler text);
      -- Small ones are loaded and indexed by one statement.
      alter table large alter filler set storage external;
      insert into large select 'Anna', repeat('x', 50000) from generate_series(1, 100);
      ${sql}`);
    const { stderr } = await expectFailure(scenario.environment, {
      exit: 4,
      code: 'statement-failed',
      says: new RegExp(
        `what is computed of a row failed; the server’s log has its words \\(SQLSTATE P0001\\) \\(${what}`,
      ),
    });
    assert.doesNotMatch(stderr, /Anna/);
  }
});

test('nor are they of staging’s own rows', async () => {
  await using scenario = await makeScenario(`
    create function said(id integer, name text) returns text immutable language plpgsql as $$
      begin
        if id > 50 then raise exception 'no place for %', name; end if;
        return name;
      end $$;
    ${smallProduction}
    create statistics told on (said(id, name)), id from customers;`);
  await as('app', scenario.staging, (session) =>
    session.query(`create table customers (id integer primary key, name text not null);
      insert into customers values (60, 'Anna')`),
  );
  const flags = await policyFlags(
    'version: 1\ntables: { public.customers: { preserve: id = 60, mask: { name: { fixed: x } } } }',
  );
  const says =
    /what is computed of a row failed; the server’s log has its words \(SQLSTATE P0001\) \(public.customers/;
  const expected = { exit: 5, code: 'preserve-failed', says };
  const { stderr } = await expectFailure(scenario.environment, expected, flags);
  assert.doesNotMatch(stderr, /Anna/);
});

interface Watched {
  /** Command lines of the engine's process group. */
  readonly arguments: Set<string>;
  /** Environments of pg_dump and pg_restore. */
  readonly programs: Set<string>;
  /** Of these programs and of what the policy runs: which memory a core file would hold. */
  readonly dumped: Set<string>;
  /** Modes of files below the folders for temporary files and artifacts. */
  readonly files: Map<string, number>;
}

async function watch(engine: RunningEngine, artifacts: string): Promise<Watched> {
  const seen: Watched = { arguments: new Set(), programs: new Set(), dumped: new Set(), files: new Map() };
  let over = false;
  engine.result
    .finally(() => {
      over = true;
    })
    .catch(() => undefined);
  const temporary = join(dirname(reportOf(engine.pid)), 'tmp');
  while (!over) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const group = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2];
        if (Number(group) !== engine.pid) continue;
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        seen.arguments.add(line);
        const known = readFileSync(`/proc/${pid}/environ`, 'utf8');
        const dumped = readFileSync(`/proc/${pid}/coredump_filter`, 'utf8').trim();
        // Empty of one that has ended and is not waited for yet.
        if (dumped !== '' && pid !== String(engine.pid)) seen.dumped.add(dumped);
        if (/pg_(dump|restore)\0/.test(line) && /(^|\0)PGHOST=/.test(known)) seen.programs.add(known);
      } catch {
        // It ended while it was looked at.
      }
    }
    for (const folder of [temporary, artifacts]) note(folder, seen.files);
    await sleep(5);
  }
  return seen;
}

function note(folder: string, files: Map<string, number>): void {
  try {
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const { mode } = statSync(join(folder, entry));
      files.set(entry, (files.get(entry) ?? 0) | mode);
    }
  } catch {
    // Not made yet, or removed just now.
  }
}

/** `--report FILE` of its command line, beside which it has its folder for temporary files. */
function reportOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return words[words.indexOf('--report') + 1] ?? '';
}
