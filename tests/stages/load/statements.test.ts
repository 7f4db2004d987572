import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from 'pg';
import { compressQuickly, validateForeignKey } from '../../../scripts/stages/load/statements.ts';
import { as } from '../../support/scenario.ts';
import { freshDatabase, servers } from '../../support/servers.ts';

const key = (name: string) => ({
  oid: 0,
  name,
  table: 0,
  references: 0,
  definition: '',
  validated: true,
});

/** An index on `one` and none on `two`. VACUUM marks no rows as visible whose commit may still be lost. */
const tables = `
  set synchronous_commit to on;
  begin;
  create table parent (id int);
  create table "Child" (one int, two int);
  insert into parent values (1), (2);
  insert into "Child" values (1, 2);
  commit;
  alter table parent add primary key (id);
  create index on "Child" (one, two)`;
const keys = `
  alter table "Child" add constraint one foreign key (one) references parent not valid;
  alter table "Child" add constraint two foreign key (two) references parent not valid`;

test('a foreign key is validated by a merge where both sides have an index whose rows are all visible', async () => {
  await inNewDatabase(async (session) => {
    await session.query(`${tables};
${keys}`);
    const child = { schema: 'public', name: 'Child' };
    const hashes = async (name: string) => {
      const [look] = validateForeignKey(key(name), child).split(';\n');
      await session.query(`begin; ${look}`);
      const { rows } = await session.query('show enable_hashjoin');
      await session.query('rollback');
      return rows[0].enable_hashjoin;
    };
    assert.equal(await hashes('one'), 'on', 'nobody has said yet that all rows are visible');
    await session.query('vacuum parent, "Child"');
    assert.equal(await hashes('one'), 'off');
    assert.equal(await hashes('two'), 'on', 'an index that begins with another column is none');

    // As a run in place has it: everything is one transaction, in which what follows is planned as ever.
    await session.query(`begin; ${validateForeignKey(key('one'), child)}`);
    const { rows: after } = await session.query('show enable_hashjoin');
    await session.query('commit');
    assert.equal(after[0].enable_hashjoin, 'on');
    await session.query(validateForeignKey(key('two'), child));
    const { rows } = await session.query(
      `select conname, convalidated from pg_constraint where contype = 'f' order by conname`,
    );
    assert.deepEqual(rows, [
      { conname: 'one', convalidated: true },
      { conname: 'two', convalidated: true },
    ]);
  });
});

test('a merge finds the row that a foreign key forbids', async () => {
  await inNewDatabase(async (session) => {
    await session.query(`${tables};
insert into "Child" values (3, 1);
${keys}`);
    await session.query('vacuum parent, "Child"');
    await assert.rejects(session.query(validateForeignKey(key('one'), { schema: 'public', name: 'Child' })), {
      code: '23503',
      constraint: 'one',
    });
  });
});

test('long values are compressed with lz4, unless the server has none or somebody chose a method', async () => {
  await inNewDatabase(async (session) => {
    const { rows: facts } = await session.query(
      `select 'lz4' = any (enumvals) as lz4 from pg_settings where name = 'default_toast_compression'`,
    );
    const method = async () => {
      await session.query(`begin; ${compressQuickly}`);
      const { rows } = await session.query('show default_toast_compression');
      await session.query('rollback');
      return rows[0].default_toast_compression;
    };
    assert.equal(await method(), facts[0].lz4 ? 'lz4' : 'pglz');
    await session.query('set default_toast_compression to pglz');
    assert.equal(await method(), 'pglz');
  });
});

async function inNewDatabase(work: (session: Client) => Promise<void>): Promise<void> {
  const { staging } = await servers();
  await as('postgres', await freshDatabase(staging), work);
}
