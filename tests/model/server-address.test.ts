import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { formatError, RefreshError } from '../../scripts/model/errors.ts';
import { describeAddress, parseConnectionUrl } from '../../scripts/model/server-address.ts';

const parse = (url: string, ca?: string) => parseConnectionUrl(url, 'STAGING_DB_URL', ca);

test('a connection string is read part by part', () => {
  const plain = parse('postgresql://doadmin:secret-word@db-1.example.com:25060/shop?sslmode=require');
  assert.deepEqual(
    { ...plain, password: plain.password.reveal() },
    { host: 'db-1.example.com', port: 25060, user: 'doadmin', password: 'secret-word', database: 'shop' },
  );
  const cases: [string, Partial<Record<'host' | 'port' | 'user' | 'database' | 'password', unknown>>][] = [
    ['postgres://u:p@h/d', { host: 'h', port: 5432, user: 'u', database: 'd', password: 'p' }],
    ['  postgresql://u:p@h/d\n', { host: 'h', database: 'd' }],
    ['postgresql://u@h/d', { password: '' }],
    ['postgresql://u:p@[::1]:6543/d', { host: '::1', port: 6543 }],
    ['postgresql://u:p@[2001:db8::7]/d', { host: '2001:db8::7', port: 5432 }],
    ['postgresql://u:p@10.0.0.7/d', { host: '10.0.0.7' }],
    ['postgresql://u:p@h/a%2Fb%20c', { database: 'a/b c' }],
    ['postgresql://u:p@h/%C3%A9', { database: 'é' }],
    ['postgresql://a%40b:p@h/d', { user: 'a@b' }],
    ['postgresql://u:p%40ss%3Aw%2Fo%3Fr%23d%25%20%26@h/d', { password: 'p@ss:w/o?r#d% &' }],
    ['postgresql://u:p%2525@h/d', { password: 'p%25' }],
    ['postgresql://u:a+b@h/d', { password: 'a+b' }],
    ['postgresql://u:%F0%9F%99%82é@h/d', { password: '🙂é' }],
    ['postgresql://u:pass@word@h/d', { password: 'pass@word', host: 'h' }],
    [`postgresql://u:!$'()*,;=~@h/d`, { password: `!$'()*,;=~` }],
  ];
  for (const [url, expected] of cases) {
    const address = parse(url);
    for (const [part, value] of Object.entries(expected)) {
      const found = part === 'password' ? address.password.reveal() : address[part as 'host'];
      assert.equal(found, value, `${part} of ${url}`);
    }
  }
});

test('what encodeURIComponent makes of any password is read back', () => {
  for (let code = 1; code < 0x250; code++) {
    const password = `a${String.fromCodePoint(code)}b`;
    const url = `postgresql://${encodeURIComponent(password)}:${encodeURIComponent(password)}@h/${encodeURIComponent(password)}`;
    const address = parse(url);
    assert.equal(address.password.reveal(), password);
    assert.equal(address.user, password);
    assert.equal(address.database, password);
  }
});

test('TLS can’t be turned off or made optional', () => {
  for (const mode of ['require', 'verify-ca', 'verify-full'])
    assert.equal(parse(`postgresql://u:p@h/d?sslmode=${mode}`).host, 'h');
  for (const mode of ['disable', 'allow', 'prefer', 'no-verify', 'REQUIRE', ''])
    assert.throws(() => parse(`postgresql://u:p@h/d?sslmode=${mode}`), {
      code: 'bad-url',
      object: 'STAGING_DB_URL',
    });
  assert.throws(() => parse('postgresql://u:p@h/d?sslmode=require&sslmode=disable'), { code: 'bad-url' });
  assert.throws(() => parse('postgresql://u:p@h/d?ssl=0'), { code: 'bad-url' });
  assert.throws(() => parse(`'postgresql://u:p@h/d'`), { hint: 'leave out the quotation marks around it' });
});

test('parameters that providers add are passed over, others are refused by name', () => {
  assert.equal(
    parse('postgresql://u:p@h/d?sslmode=require&connect_timeout=10&channel_binding=require').host,
    'h',
  );
  for (const name of ['options', 'host', 'hostaddr', 'service', 'sslcert', 'user', 'dbname'])
    assert.throws(() => parse(`postgresql://u:p@h/d?${name}=x`), {
      code: 'bad-url',
      message: new RegExp(`not supported: ${name}$`),
    });
});

test('the authority is taken along, an absent one leaves the system’s', () => {
  assert.equal(parse('postgresql://u:p@h/d', 'PEM').ca, 'PEM');
  assert.equal('ca' in parse('postgresql://u:p@h/d'), false);
});

test('no error and no rendering ever shows the URL or the password', () => {
  const secret = 'Tr0ub4dor';
  const broken = [
    `${secret}`,
    `mysql://u:${secret}@h/d`,
    `postgresql://u:${secret}#x@h/d`,
    `postgresql://u:${secret}/x@h/d`,
    `postgresql://u:${secret}?x@h/d`,
    `postgresql://u:${secret}%zz@h/d`,
    `postgresql://u:${secret}%@h/d`,
    `postgresql://u:${secret}@h:port/d`,
    `postgresql://u:${secret}@h`,
    `postgresql://u:${secret}@h/`,
    `postgresql://:${secret}@h/d`,
    `postgresql://u:${secret}@/d`,
    `postgresql://u:${secret}@h1:1,h2:2/d`,
    `postgresql://u:${secret}@h/d?password=${secret}`,
    `host=h user=u password=${secret} dbname=d`,
  ];
  for (const url of broken) {
    assert.throws(
      () => parse(url),
      (error: unknown) => {
        assert(error instanceof RefreshError, url);
        assert.equal(error.code, 'bad-url');
        assert.equal(error.object, 'STAGING_DB_URL');
        assert.ok(error.hint, `${url}: no hint`);
        assert.equal(error.cause, undefined);
        const shown = [formatError(error), inspect(error, { depth: 9 }), JSON.stringify(error)].join('\n');
        assert.ok(!shown.includes(secret), `${url} leaks`);
        return true;
      },
    );
  }
  const address = parse(`postgresql://u:${secret}@h/d`);
  const shown = [
    inspect(address, { depth: 9, showHidden: true }),
    JSON.stringify(address),
    `${address.password}`,
  ];
  assert.ok(!shown.join('\n').includes(secret));
  assert.equal(describeAddress(address), 'h:5432/d');
});
