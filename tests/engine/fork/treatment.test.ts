import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { environmentName } from '../../../scripts/contract.ts';
import { type LocalServer, removeServer } from '../../../scripts/local/server.ts';
import { superuser, withSession } from '../../../scripts/local/session.ts';
import { growOld } from '../../support/aged.ts';
import { contentOf } from '../../support/content.ts';
import { expectRun, startEngine } from '../../support/engine.ts';
import {
  database,
  filesWith,
  knock,
  makeFork,
  type Origin,
  productionEnvironment,
  startOrigin,
} from '../../support/fork.ts';
import { maskKey, policyFlags } from '../../support/policy.ts';
import { as } from '../../support/scenario.ts';
import { freshDatabase, servers } from '../../support/servers.ts';

/** Every clear value that the policy masks or leaves out has this in it. */
const clear = 'KLARTEXT';

const sql = `
  create table tenants (id int primary key, name text not null, is_test boolean not null);
  create table people (
    email text primary key, name text not null, phone varchar(40), tenant int not null references tenants,
    boss text references people, label text generated always as (upper(name)) stored,
    check (email like '%@%'));
  create index people_lower on people (lower(email));
  create statistics people_together (mcv) on name, phone from people;
  create view directory as select name, email from people;
  create materialized view headcount as select tenant, count(*), min(email) as first from people group by 1;
  create table logins (id bigserial primary key, person text not null references people on update cascade, at timestamptz default '2026-01-01');
  create table tickets (id int primary key, person text constraint tickets_person references people, note text);
  comment on constraint tickets_person on tickets is 'who asked';
  create table events (at date not null, who text, detail text) partition by range (at);
  create table events_1 partition of events for values from ('2026-01-01') to ('2026-07-01');
  create table events_2 partition of events for values from ('2026-07-01') to ('2027-01-01');
  create type mood as enum ('low', 'good');
  create table sessions (id int primary key, payload text not null, person text references people, began date not null,
    device uuid not null, address inet not null, tags text[] not null, how mood not null, length int not null check (length > 5));
  create view live_sessions as select * from sessions;
  create materialized view session_moods as select how, count(*) from sessions group by 1 union all select 'good', 0;
  create table visits (who text not null, site text, primary key (who, site)) partition by range (who);
  create table visits_k partition of visits for values from ('K') to ('L') partition by list (site);
  create table visits_k_1 partition of visits_k for values in ('1');
  create table mixed (who text, kind int) partition by list (kind);
  create table mixed_1 partition of mixed for values in (1);
  create table mixed_2 partition of mixed for values in (2);
  create table above (who text);
  create table below () inherits (above);
  create publication feed for table events, people;
  create table secrets (id int primary key, content text);
  create view secret_list as select content from secrets;
  create table flags (flag text primary key, enabled boolean not null);
  create table big (id int primary key, secret text, filler text);
  create table untouched (id int primary key, note text);
  create function changed() returns trigger language plpgsql as $$ begin raise exception 'a trigger fired'; end $$;
  insert into tenants select g, 'tenant ' || g, g % 5 = 0 from generate_series(1, 20) g;
  insert into people (email, name, phone, tenant, boss)
    select 'KLARTEXT' || g || '@example.com', 'KLARTEXT name ' || g % 7, 'KLARTEXT' || g, 1 + g % 20,
           case when g % 3 = 0 then 'KLARTEXT' || g / 3 || '@example.com' end
      from generate_series(1, 3000) g;
  insert into logins (person) select 'KLARTEXT' || 1 + g % 3000 || '@example.com' from generate_series(1, 6000) g;
  insert into tickets select g, 'KLARTEXT' || g || '@example.com', 'note ' || g from generate_series(1, 1000) g;
  insert into events select date '2026-01-01' + g % 360, 'KLARTEXT' || g % 9, 'KLARTEXT detail' from generate_series(1, 2000) g;
  insert into sessions select g, 'KLARTEXT' || g % 5, null, '2026-01-01', gen_random_uuid(), '10.0.0.1', array['KLARTEXT' || g % 3], 'low', 10
    from generate_series(1, 500) g;
  insert into visits select 'KLARTEXT' || g, '1' from generate_series(1, 500) g;
  insert into mixed select case when g % 2 = 0 then 'KLARTEXT' else 'nobody' end || g % 10, 2 - g % 2 from generate_series(1, 500) g;
  insert into below select 'KLARTEXT' || g % 5 from generate_series(1, 500) g;
  select lo_from_bytea(0, 'KLARTEXT of a large object');
  insert into secrets select g, 'KLARTEXT' from generate_series(1, 100) g;
  insert into flags values ('of production', true);
  insert into big select g, 'KLARTEXT' || g, repeat('x', 500) from generate_series(1, 20000) g;
  insert into untouched select g, 'note' from generate_series(1, 100) g;
  update people set phone = phone || ' ' where tenant = 3;
  create trigger no_update before update or delete on people for each row execute function changed();
  create trigger always_on after update on big for each statement execute function changed();
  alter table big enable always trigger always_on;
  create rule no_delete as on delete to people do instead nothing;
  refresh materialized view headcount;
  analyze;`;

const policy = `
version: 1
tables:
  public.tenants: { where: not is_test }
  public.people: { mask: { email: email, name: name, phone: phone } }
  public.tickets: { foreign-keys: { tickets_person: set-null }, mask: { note: { fixed: "-" } } }
  public.events: { mask: { who: hash, detail: null } }
  public.events_1: { mask: { who: hash, detail: null } }
  public.events_2: { mask: { who: hash, detail: null } }
  public.sessions: { treatment: schema-only }
  public.secrets: { treatment: exclude }
  public.visits: { treatment: schema-only }
  public.visits_k: { treatment: schema-only }
  public.visits_k_1: { treatment: schema-only }
  public.mixed_2: { treatment: schema-only }
  public.below: { treatment: schema-only }
  public.flags: { treatment: preserve }
  public.big: { mask: { secret: hash } }
large-objects: exclude
before-publish: { sql: [own.sql], check: ["select count(*) > 0 from public.people"] }
`;

const files = { 'own.sql': `insert into public.untouched values (1000, 'by the team');` };

let origin: Origin;
before(async () => {
  origin = await startOrigin(sql);
  await growOld(origin.server, () =>
    withSession(origin.server, superuser(origin.server), database, (session) =>
      session.query('update logins set at = at'),
    ),
  );
});
after(async () => {
  if (origin) await removeServer(origin.server);
});

test('a fork under a policy is what a copy under that policy is, and holds no clear value anywhere', async (t) => {
  const { staging, app, reader } = await servers();
  const copy = await freshDatabase(staging, { prefix: 'stag' });
  await as('app', copy, (session) =>
    session.query(`create table flags (flag text primary key, enabled boolean not null);
                   insert into flags values ('of staging', true), ('another', false)`),
  );
  const flags = await policyFlags(policy, files);
  const masking = { [environmentName.maskKey]: maskKey };
  const previous = await freshDatabase(staging, { prefix: 'before' });
  await as('app', previous, (session) =>
    session.query(`create table flags (flag text primary key, enabled boolean not null);
                   insert into flags values ('of staging', true), ('another', false)`),
  );
  await expectRun(
    {
      ...(await productionEnvironment(origin)),
      ...masking,
      [environmentName.stagingUrl]: copy.url('doadmin'),
    },
    [...flags, '--no-artifact'],
  );

  await using fork = await makeFork(t, origin);
  assert.notDeepEqual(await filesWith(fork.server, [clear]), [], 'the proof would see clear values');
  const knocks = [app, reader].map((login) => knock(t, fork.server, login));
  const environment = {
    ...fork.environment,
    ...masking,
    [environmentName.previousStagingUrl]: previous.url('doadmin'),
    [environmentName.previousStagingCa]: String(
      (await productionEnvironment(origin))[environmentName.stagingCa],
    ),
  };
  const engine = await startEngine(environment, flags, 'fork');
  const { code, stderr, report } = await engine.result;
  if (process.env.FORK_SAY) process.stderr.write(stderr);
  assert.equal(code, 0, stderr);
  for (const each of knocks) {
    const { refused, inAgain } = await each.stop();
    assert.ok(refused > 0, 'production’s password worked to the end');
    assert.equal(inAgain, 0, 'production’s password worked again');
  }
  assert.deepEqual(await contentOf({ server: fork.server, name: database }), await contentOf(copy));
  assert.deepEqual(await filesWith(fork.server, [clear]), [], 'clear values are on disk');
  const shown = await withSession(fork.server, superuser(fork.server), database, async (session) => {
    const { rows } = await session.query(
      `select tablename, attname from pg_stats where pg_stats::text like '%${clear}%'`,
    );
    return rows;
  });
  assert.deepEqual(shown, [], 'clear values are in statistics');
  for (const { relreplident } of await identities(fork.server)) assert.equal(relreplident, 'd');
  assert.deepEqual(await fork.list(), ['ip_addr 127.0.0.1']);
  assert.equal(report?.strategy, 'fork');
});

/** How UPDATE tells rows of the published tables without a key. */
async function identities(server: LocalServer): Promise<{ relreplident: string }[]> {
  return await withSession(server, superuser(server), database, async (session) => {
    const { rows } = await session.query<{ relreplident: string }>(
      `select relreplident from pg_class where relname ~ '^events_\\d$'`,
    );
    assert.equal(rows.length, 2);
    return rows;
  });
}
