import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectFailure, expectRun } from '../support/engine.ts';
import { maskKey, policyFlags } from '../support/policy.ts';
import { makeScenario } from '../support/scenario.ts';

const awkward = `
  create extension if not exists pg_trgm;
  create function angry(text) returns text language plpgsql as $$ begin raise exception 'no such person: %', $1; end $$;
  create domain digits as text check (value ~ '^[0-9]+$');
  create table odd (
    id int primary key, code varchar(6), label text unique, tier text, number digits, amount int, kind text not null,
    nick text, size int, shouting text generated always as (upper(nick)) stored, found tsvector, email text,
    constraint tiers check (tier in ('gold', 'silver')), exclude (amount with =));
  create index by_lower on odd (lower(email)); create index few on odd (id) where email is not null;
  create table tickets (id int primary key, ticket text default ''); create unique index one_each on tickets (ticket) where ticket <> '';
  insert into tickets values (1), (2), (3);
  create materialized view domains as select split_part(email, '@', 2) as domain from odd;
  create table parts (region text, at date, note text) partition by list (region);
  create table parts_1 partition of parts for values in ('north');
  create table refers (id int primary key, label text references odd (label));
  create table others (id int primary key, label text references odd (label));
  insert into odd (id, code, label, tier, number, amount, kind, found, email, nick, size)
    select g, 'c' || g, 'l' || g, 'gold', g, g, 'k', to_tsvector('simple', 'person' || g), 'p' || g || '@corp.test', 'n', g from generate_series(1, 30) g;
  insert into parts values ('north', '2026-01-01', 'n');`;

test('a mask that cannot hold its column is refused in the plan, before anything is made', async (t) => {
  await using scenario = await makeScenario(awkward);
  // All that is wrong is told at once: what needs no row, conditions and keys, then what some rows say.
  const policies: Record<string, [string, RegExp[]]> = {
    'by what the column is': [
      `tables:
  public.odd:
    mask:
      email: { fixed: x@y.z }
      size: { date: { min: "2020-01-01", max: "2021-01-01" } }
      code: phone
      kind: null
      label: name
      amount: { number: { min: 1, max: 9 } }
      shouting: { fixed: X }
  public.parts: { mask: { region: { fixed: south } } }
  "public.other*": {}
  "*ublic.others": {}`,
      [
        /size can’t be masked by date: it masks date, time, and the column is integer/,
        /code can’t be masked by phone: it gives 15 characters, and the column takes 6/,
        /kind can’t be masked by null: the column is NOT NULL/,
        /label can’t be masked by name: odd_label_key has to stay unique; hash, email and uuid/,
        /amount can’t be masked by number: odd_amount_excl has to stay unique/,
        /shouting can’t be masked by fixed: the column is generated: mask the columns that it is computed from/,
        /region can’t be masked by fixed: the column decides in which partition a row lies/,
        /equally specific for public\.others/,
      ],
    ],
    'by the keys that it is part of': [
      `tables:
  public.odd: { mask: { email: { fixed: x@y.z }, label: { hash: {}, when: id > 3 }, code: { fixed: far too long } } }
  public.others: { mask: { label: { fixed: x } } }`,
      [
        /public\.odd\.label is referred to by public\.refers\.label: its mask has to give the same value in both, without when/,
        /public\.others\.label refers to public\.odd\.label: both need the same mask/,
        /code can’t be masked by fixed: it gives 12 characters/,
      ],
    ],
    'by keys and references of the subset': [
      `tables:
  public.odd: { mask: { email: { fixed: x@y.z } }, references: [{ columns: [amount], to: public.nowhere, key: [id] }] }
  public.refers: { foreign-keys: { refers_nothing: set-null } }`,
      [
        /references: there is no table public\.nowhere/,
        /has no foreign key refers_nothing; it has refers_label_fkey/,
      ],
    ],
    'by values that the type does not take': [
      `tables: { public.odd: { mask: { email: { fixed: x@y.z }, size: { fixed: none }, number: { fixed: abc },
        kind: { sql: "public.angry(email)" }, nick: { sql: "(ascii(email) || '777777777777')::int::text" }, tier: { sql: "email::regclass::text" } } } }`,
      [
        /odd\.size: its mask gives what the column doesn’t take: invalid input syntax/,
        /odd\.number: its mask gives what the column doesn’t take: value for domain/,
        /odd\.kind: its mask .*: what is computed of a row failed; the server’s log has its words \(SQLSTATE P0001\)/,
        /odd\.nick: its mask .*: value … is out of range for type integer/,
        /odd\.tier: its mask .*: what is computed of a row failed/,
      ],
    ],
    'by a check': [
      'tables: { public.odd: { mask: { email: { fixed: x@y.z }, tier: { fixed: bronze } } } }',
      [/masked rows break its check tiers: .*'gold'/],
    ],
    'by a unique index that holds more of the masked rows than of the clear ones': [
      'tables: { public.odd: { mask: { email: { fixed: x@y.z } } }, public.tickets: { mask: { ticket: hash } } }',
      [/tickets: masked rows are not unique in one_each, which holds those where \(ticket <> /],
    ],
  };
  for (const [name, [policy, says]] of Object.entries(policies)) {
    await t.test(name, async () => {
      const { stderr } = await expectFailure(
        { ...scenario.environment, REFRESH_MASK_KEY: maskKey },
        { exit: 2, code: 'bad-policy' },
        await policyFlags(`version: 1\n${policy}\n`),
      );
      for (const line of says) assert.match(stderr, line);
      assert.doesNotMatch(stderr, /corp\.test|person\d|7777/, 'no value of a row is told');
    });
  }

  await t.test(
    'what holds the clear value elsewhere is told: copied words with a warning, what is made anew as a note',
    async () => {
      const flags = await policyFlags(
        `version: 1\ntables: { public.odd: { mask: { email: { fixed: x@example.com }, nick: { fixed: x } } } }`,
      );
      const { stderr, report } = await expectRun(scenario.environment, flags);
      assert.match(
        report.warnings.join('\n'),
        /public\.odd\.found is copied as it is and may hold the words of email, nick: mask it, too/,
      );
      for (const note of [
        /index public\.by_lower is made anew, from the masked email of public\.odd/,
        /index public\.few is made anew, from the masked email/,
        /materialized view public\.domains is made anew, from the masked email/,
        /generated column shouting of public\.odd is made anew, from the masked nick/,
      ])
        assert.match(stderr, note);
    },
  );
});
