import assert from 'node:assert/strict';
import { test } from 'node:test';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { hasZstd, shell } from '../artifact/programs.ts';
import { contentOf } from '../support/content.ts';
import { expectRun } from '../support/engine.ts';
import { as, leavingNoTrace, scenarioOf } from '../support/scenario.ts';
import { dropDatabase, freshDatabase, servers, type TestDatabase, testFolder } from '../support/servers.ts';

interface Encoding {
  readonly name: string;
  /** Bytes of values that test its edges, in hexadecimal: written down in the bytes of that encoding. */
  readonly values: readonly string[];
  /** A table's name and a comment in it. */
  readonly word: string;
}

/** Every byte from 01 to ff but those that the encoding has no character for, eight to a value. */
const bytes = (holes: readonly number[] = []) => {
  const all = Array.from({ length: 255 }, (_, index) => index + 1).filter((byte) => !holes.includes(byte));
  return Array.from({ length: Math.ceil(all.length / 8) }, (_, index) =>
    Buffer.from(all.slice(index * 8, index * 8 + 8)).toString('hex'),
  );
};

const encodings: readonly Encoding[] = [
  { name: 'LATIN1', values: bytes(), word: 'Ärger' },
  { name: 'WIN1252', values: bytes([0x81, 0x8d, 0x8f, 0x90, 0x9d]), word: '€uro' },
  // Kanji, half-width katakana (8e), JIS X 0212 (8f), backslash's neighbours, and two that Unicode has no place for.
  {
    name: 'EUC_JP',
    values: ['c6fccbdcb8ec', '8eb18eb2', '8fb0a1', 'a1c05c6e', 'f5a1', 'fefe'],
    word: '日本',
  },
  // Half of a character, Latin-1 letters, all that is no UTF-8: to such a database bytes are just bytes.
  { name: 'SQL_ASCII', values: [...bytes(), 'c3', 'e28082', 'fffe', 'c080'], word: 'plain' },
  { name: 'UTF8', values: ['c280', 'efbfbf', 'f48fbfbf', 'f09f9880', 'e280ae', 'c2a0', '7f'], word: 'ünï' },
];

for (const encoding of encodings) {
  test(`a database in ${encoding.name}: rows, names and comments, straight, from its artifact and by hand`, async (t) => {
    const pair = await servers();
    const production = await inEncoding(
      await freshDatabase(pair.production, { prefix: 'prod' }),
      encoding.name,
    );
    const staging = await freshDatabase(pair.staging, { prefix: 'stag' });
    await using scenario = await scenarioOf(production, staging);
    const values = encoding.values.map(
      (hex, index) => `(${index}, convert_from('\\x${hex}', getdatabaseencoding()))`,
    );
    await as('app', production, (session) =>
      session.query(`
        create table "${encoding.word}" (id integer primary key, v text, unique (v));
        comment on table "${encoding.word}" is '${encoding.word}';
        insert into "${encoding.word}" values ${values.join(', ')};
        select lo_from_bytea(77, '\\xff00c3')`),
    );
    const folder = await testFolder();
    const flags = ['--artifact', folder, '--verify', 'checksums', '--rehearse'];
    const reading = { ...scenario.environment, PRODUCTION_DB_URL: production.url('postgres') };
    const { report } = await leavingNoTrace(scenario, () => expectRun(reading, flags));
    // Without an artifact rows may travel in COPY's other format.
    await expectRun(reading, ['--no-artifact', '--verify', 'checksums']);

    assert.deepEqual((await contentOf(staging)).tables, (await contentOf(production)).tables);
    assert.deepEqual(await stored(staging, encoding.word), await stored(production, encoding.word));
    assert.equal(await encodingOf(staging), encoding.name);

    if (!hasZstd) return t.skip('by hand: there is no zstd program on this machine');
    const byHand = await inEncoding(await freshDatabase(pair.staging, { prefix: 'hand' }), encoding.name);
    await shell(byHand, 'zstd -dc "$FILE" | psql -v ON_ERROR_STOP=1', report?.artifact?.path ?? '');
    assert.deepEqual((await contentOf(byHand)).tables, (await contentOf(production)).tables);
    assert.deepEqual(await stored(byHand, encoding.word), await stored(production, encoding.word));
    await dropDatabase(byHand);
  });
}

async function inEncoding(database: TestDatabase, encoding: string): Promise<TestDatabase> {
  await withSession(database.server, superuser(database.server), 'postgres', async (session) => {
    await session.query(`drop database "${database.name}"`);
    await session.query(
      `create database "${database.name}" owner app template template0 encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`,
    );
  });
  return database;
}

/** The bytes as the server has them. */
async function stored(database: TestDatabase, table: string): Promise<unknown[]> {
  return await as('postgres', database, async (session) => {
    const { rows } = await session.query(
      `select id, encode(convert_to(v, getdatabaseencoding()), 'hex') as bytes from "${table}" order by id`,
    );
    return rows;
  });
}

async function encodingOf(database: TestDatabase): Promise<string> {
  return await as('postgres', database, async (session) => {
    const { rows } = await session.query<{ encoding: string }>('select getdatabaseencoding() as encoding');
    return rows[0]?.encoding ?? '';
  });
}
