import assert from 'node:assert/strict';
import { test } from 'node:test';
import { display, ident, literal, qualified } from '../../scripts/model/table.ts';
import { as } from '../support/scenario.ts';
import { dropDatabase, freshDatabase, servers } from '../support/servers.ts';

const texts = [
  '',
  'plain',
  'MiXed',
  'select',
  `it's`,
  `''`,
  '"',
  'a"b""c',
  '\\',
  `\\'`,
  `'\\`,
  '\\n\\x41\\u00e9\\101',
  'two\nlines\ttab\r',
  `; drop table t; --`,
  '/* */ -- $$ $1 :name %s %I',
  `U&'\\0041' E'\\\\' B'1'`,
  'é漢🙂\u0301\u200b\ufeff',
  '\u0001\u007f',
];

test('the server reads literals back as they were, whatever standard_conforming_strings is', async () => {
  const { staging } = await servers();
  const database = await freshDatabase(staging);
  try {
    await as('app', database, async (session) => {
      for (const conforming of ['on', 'off']) {
        await session.query(
          `set standard_conforming_strings = ${conforming}; set escape_string_warning = off`,
        );
        for (const text of texts) {
          const { rows } = await session.query<{ text: string }>(`select ${literal(text)} as text`);
          assert.equal(rows[0]?.text, text, `${JSON.stringify(text)} with ${conforming}`);
          // Right behind a keyword, where a missing space would make another token of it.
          const glued = await session.query<{ text: string }>(`select text${literal(text)} as text`);
          assert.equal(glued.rows[0]?.text, text);
        }
      }
    });
  } finally {
    await dropDatabase(database);
  }
});

test('the server reads identifiers back as they were', async () => {
  const { staging } = await servers();
  const database = await freshDatabase(staging);
  try {
    await as('app', database, async (session) => {
      for (const name of texts.filter((text) => text !== '')) {
        const table = { schema: name, name };
        await session.query(
          `create schema ${ident(name)}; create table ${qualified(table)} (${ident(name)} int)`,
        );
        const { rows } = await session.query(
          `select n.nspname as schema, c.relname as name, a.attname as "column"
             from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
            where c.relname = $1 and a.attnum = 1`,
          [name],
        );
        assert.deepEqual(rows, [{ schema: name, name, column: name }]);
      }
    });
  } finally {
    await dropDatabase(database);
  }
});

test('people read names without quotes', () => {
  assert.equal(display({ schema: 'public', name: 'Order "lines"' }), 'public.Order "lines"');
  assert.equal(qualified({ schema: 'a.b', name: 'c"d' }), '"a.b"."c""d"');
});
