import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGunzip, gzipSync } from 'node:zlib';
import type { DumpItem } from '../../../scripts/artifact/dump-item.ts';
import { scanDump } from '../../../scripts/artifact/dump-scanner.ts';
import { feed } from '../../../scripts/artifact/feed.ts';
import { judge } from '../../../scripts/stages/script/verdict.ts';

/** Refused as superuser and as none, in whatever words around. */
const hostile = [
  'DROP/**/DATABASE app WITH (FORCE)',
  'DROP/* a /* nested */ one */DATABASE app',
  'DROP -- why not\nDATABASE app',
  'DROP -- why not\rDATABASE app',
  '/**/DROP DATABASE app',
  '/* a */ -- b\n/* c */drop\tdatabase app',
  'dRoP/**/dAtAbAsE "app"',
  'CREATE/**/DATABASE other',
  'ALTER/**/DATABASE app RENAME TO gone',
  'ALTER/**/ROLE app SUPERUSER',
  'ALTER/**/USER app SUPERUSER',
  'CREATE/**/USER intruder',
  'DROP/**/ROLE app',
  'DROP/**/GROUP app',
  'DROP/**/OWNED BY app',
  'REASSIGN/**/OWNED BY app TO other',
  'DROP/**/TABLESPACE fast',
  'ALTER/**/SYSTEM SET work_mem = 1',
  'COMMENT ON/**/ROLE app IS $$x$$',
  `SECURITY/**/LABEL ON ROLE app IS 'x'`,
  'GRANT/**/a TO b',
  'GRANT "a ON b" TO c',
  'REVOKE/**/ADMIN OPTION FOR a FROM b',
  'GRANT ALL ON/**/DATABASE app TO b',
  `LOAD/**/'library'`,
  `LOAD'library'`,
  'DO $$begin end$$',
  'DO/**/LANGUAGE plpgsql $$begin end$$',
  `DO'begin end'`,
  'CALL/**/everything()',
  `COPY(select 1) TO PROGRAM 'id'`,
  `COPY/**/(select 1 FROM stdin) TO PROGRAM 'id'`,
  `COPY t/**/FROM PROGRAM 'id'`,
  `COPY t FROM PROGRAM 'x FROM stdin'`,
  `COPY "x FROM stdin " FROM PROGRAM 'id'`,
  `COPY t FROM/* FROM stdin */'/etc/passwd'`,
  `COPY t TO '/tmp/x'`,
  'SET standard_conforming_strings = off',
  'SET SESSION standard_conforming_strings = off',
  'SET/**/LOCAL standard_conforming_strings TO false',
  'SET standard_conforming_strings=0',
  `SET standard_conforming_strings TO 'of'`,
  'SET standard_conforming_strings TO DEFAULT',
  'SET "standard_conforming_strings" = off',
  'VACUUM t',
  'CREATE INDEX/**/CONCURRENTLY i ON t (a)',
  `PREPARE/**/TRANSACTION 'x'`,
];

test('what reaches beyond one database is refused however it is written', async () => {
  for (const text of hostile) {
    const [statement] = await statementsOf(`${text};\n`);
    assert.ok(statement, text);
    for (const superuser of [true, false]) assert.equal(judge(statement, superuser).kind, 'refuse', text);
  }
});

test('what pg_dump writes is taken for what it is', async () => {
  const harmless: readonly [string, string][] = [
    ['SET standard_conforming_strings = on', 'setting'],
    ["SET client_encoding = 'UTF8'", 'setting'],
    ['SET SESSION AUTHORIZATION app', 'pass-over'],
    ['BEGIN', 'transaction'],
    ['COMMIT/**/', 'transaction'],
    ['SET/**/LOCAL ROLE app', 'pass-over'],
    ['ALTER TABLE public."a OWNER TO b" OWNER TO "c ""d"', 'owner'],
    ['GRANT SELECT ON TABLE public."database" TO reader', 'privilege'],
    ['ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON TABLES TO reader', 'privilege'],
    ['ALTER TABLE ONLY public.t ALTER COLUMN "a b" SET (pg_attver=26763704)', 'pass-over'],
    ['ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5)', 'run'],
    ['DROP TABLE IF EXISTS public.t', 'drop'],
    [`SELECT pg_catalog.lo_unlink('4711')`, 'drop'],
    ['ALTER TABLE ONLY public.t DROP CONSTRAINT t_pkey', 'drop'],
    ['CREATE USER MAPPING FOR app SERVER s', 'leave-out'],
    ['CREATE/**/SUBSCRIPTION s CONNECTION $$x$$ PUBLICATION p', 'leave-out'],
    [`COMMENT ON TABLE public.t IS 'DROP DATABASE app; -- /*'`, 'run'],
    ['CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $_$ select 1; /* $$ */ $_$', 'run'],
    [`INSERT INTO t VALUES (E'it\\'s; DROP DATABASE app')`, 'insert'],
    ['CREATE INDEX i ON public.t USING btree (a)', 'run'],
  ];
  for (const [text, kind] of harmless) {
    const statements = await statementsOf(`${text};\n`);
    assert.deepEqual(
      statements.map((statement) => judge(statement, true).kind),
      [kind],
      text,
    );
  }
  for (const copy of ['COPY public.t (a, "b FROM c") FROM stdin', 'copy/**/"s"."t" from/**/stdin']) {
    const [statement] = await statementsOf(`${copy};\n1\t2\n\\.\n`);
    assert.ok(statement && judge(statement, false).kind === 'copy', copy);
  }
});

test('a statement that hides in what looks like a string, or like a comment, is found', async () => {
  const drop = 'DROP DATABASE app';
  for (const text of [
    `select E'a''\\', '; ${drop}; --'`,
    `select E'a'\n'\\', '; ${drop}; --'`,
    `select E'a' -- on it goes\n  '\\', '; ${drop}; --'`,
    `select 1 */* a /* b */ c */ 2; ${drop}`,
    `select a$$b; ${drop}; select c$$d`,
  ]) {
    const found = (await statementsOf(`${text}\n;`)).map((statement) => judge(statement, true).kind);
    assert.ok(found.includes('refuse'), text);
  }
  // The server would see the end of a comment, or a quote, that is out of the cutter's sight.
  const [rest] = await statementsOf(`select 1 -- x\r + 1\n;`);
  assert.match(rest?.text ?? '', /^select 1\s+\+ 1$/);
  const tag = `$${'a'.repeat(600)}$`;
  await assert.rejects(
    statementsOf(`select ${tag} ' ${tag}; ${drop}; --';\n`),
    /a word of more than 512 bytes/,
  );
  await assert.rejects(statementsOf(`select 1 /**/\\! id\n;`), /it holds \\!/);
  await assert.rejects(statementsOf(`/**/\\connect app\n`), /it holds \\connect/);
});

test('wherever the text is cut, the same statements come out', async () => {
  const text = hostile.map((statement) => `${statement};\n`).join('-- between\r\n');
  const whole = await statementsOf(text);
  assert.equal(whole.length, hostile.length);
  for (const size of [1, 2, 7, 61]) assert.deepEqual(await statementsOf(text, size), whole);
});

test('rows end where they end, wherever the text is cut', async () => {
  // In front of a statement's end so much is looked at together.
  const long = `0\t${'x'.repeat(600)}\n`;
  const rows = [`${long}1\tone\n\\\\.\n.\n\\N\n`, '', '2\t\\\\.\r\n\\t\\.\r\n'];
  const text = `copy t from stdin;\n${rows[0]}\\.\nselect 1;\ncopy u from stdin;\n\\.\n\ncopy v from stdin;\r\n${rows[2]}\\.\r\nselect 2;\ncopy w from stdin;\n${long}\\.\n`;
  const found = async (size: number) => {
    const heard: string[] = [];
    for await (const item of scanDump(chunksOf(text, size), 'dump.sql')) {
      if (item.kind === 'statement') heard.push(item.text, '');
      if (item.kind === 'rows') heard.push((heard.pop() ?? '') + item.content.toString());
    }
    return heard;
  };
  const [one = '', two = '', three = ''] = rows;
  const wanted = ['copy t from stdin', one, 'select 1', '', 'copy u from stdin', two];
  wanted.push('copy v from stdin', three, 'select 2', '', 'copy w from stdin', long);
  for (let size = 1; size <= text.length; size++)
    assert.deepEqual(await found(size), wanted, `pieces of ${size}`);
});

test('damaged input lets go of its source', async () => {
  const sound = gzipSync(Buffer.from(Array.from({ length: 200_000 }, (_, at) => at * 7919).join()));
  let released = false;
  async function* source(): AsyncGenerator<Buffer> {
    try {
      for (let part = 0; part < 50; part++)
        yield part === 0 ? sound.subarray(0, 20_000) : Buffer.alloc(65_536, 0xff);
    } finally {
      released = true;
    }
  }
  const decompress = createGunzip();
  const fed = feed(decompress, source());
  await assert.rejects(async () => {
    for await (const _ of decompress);
  });
  await fed;
  assert.ok(released);
});

async function statementsOf(
  text: string,
  size = text.length,
): Promise<Extract<DumpItem, { kind: 'statement' }>[]> {
  const statements = [];
  for await (const item of scanDump(chunksOf(text, size), 'dump.sql')) {
    if (item.kind === 'statement') statements.push(item);
  }
  return statements;
}

async function* chunksOf(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}
