import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatError, RefreshError } from '../../scripts/model/errors.ts';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { fc } from '../support/property.ts';

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
/** A URL's path swallows these two: such a database can't be named in one. */
const dots = ['.', '..'];

test('what is encoded comes out as it went in, whatever characters a password has', () => {
  fc.assert(
    fc.property(text, text, text, fc.integer({ min: 1, max: 65535 }), (user, password, database, port) => {
      fc.pre(!dots.includes(database));
      const [u, p, d] = [user, password, database].map(encodeURIComponent);
      const address = parseConnectionUrl(`postgresql://${u}:${p}@db.example:${port}/${d}`, 'STAGING_DB_URL');
      assert.deepEqual(
        [address.user, address.password.reveal(), address.database, address.port],
        [user, password, database, port],
      );
      // What is written of the address is compared whole: a user may well be called like the password.
      assert.deepEqual(JSON.parse(JSON.stringify(address)), {
        host: 'db.example',
        port,
        user,
        password: '[secret]',
        database,
      });
    }),
    {
      numRuns: 500,
      // Found earlier, or feared: each stays.
      examples: [
        ['u', `'"\\\`$(id);&|<>*?[]{}!#~ \t\n`, 'app', 5432],
        ['u@host:1', 'p@ss:w/o?r#d%', 'a/b?c#d', 25060],
        ['\u0000', '\u0000', '\u0000', 1],
        ['Ünïcode', '🔑', '数据', 65535],
        ['%', '%25', '%2F', 2],
        ['toString', 'toString', 'host', 5432],
        ['__proto__', '[secret]', 'password', 5432],
      ],
    },
  );
});

test('any text is an address or bad-url, and no error repeats it', () => {
  const secret = fc.string({ minLength: 8, maxLength: 30 }).filter((word) => /^\S+$/.test(word));
  const around = fc.oneof(
    fc.string(),
    fc.constantFrom('postgresql://u:', 'postgres://', '@h/d', '%', '://', '?x='),
  );
  fc.assert(
    fc.property(around, secret, around, (before, password, after) => {
      try {
        parseConnectionUrl(`${before}${password}${after}`, 'PRODUCTION_DB_URL');
      } catch (error) {
        assert(error instanceof RefreshError, String(error));
        assert.equal(error.code, 'bad-url');
        const said = formatError(error);
        // A parameter's name is told, since it has to be removed; and it may be part of what is always said.
        const named = /not supported: /.test(said) || formatError(badUrl()).includes(password);
        if (!named && !/sslmode=/.test(said)) assert.ok(!said.includes(password), said);
      }
    }),
    { numRuns: 1000 },
  );
});

function badUrl(): RefreshError {
  try {
    parseConnectionUrl('', 'PRODUCTION_DB_URL');
  } catch (error) {
    if (error instanceof RefreshError) return error;
  }
  throw new Error('an empty text is no URL');
}
