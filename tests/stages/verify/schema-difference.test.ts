import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import {
  compareSchemas,
  fingerprint,
  readSchemaScript,
} from '../../../scripts/stages/verify/schema-difference.ts';

const entry = (name: string, body: string) => `--\n-- Name: ${name}\n--\n\n${body}\n\n\n`;
const preamble = `--\n-- PostgreSQL database dump\n--\n\n\\restrict k1\n\nSET statement_timeout = 0;\n\n`;
const end = `--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict k1\n\n`;

const customers = entry(
  'customers; Type: TABLE; Schema: public; Owner: app',
  'CREATE TABLE public.customers (\n    id integer\n);',
);
const production =
  preamble +
  customers +
  entry('f(); Type: FUNCTION; Schema: public; Owner: app', 'CREATE FUNCTION f() …;') +
  end;

const equal = { missing: [], unexpected: [], different: [], relinked: [] };
const compare = (staging: string) => compareScripts(production, staging);

/** By what they hold, and by the number that is compared before that. */
async function compareScripts(one: string, other: string) {
  const difference = compareSchemas(readSchemaScript(one), readSchemaScript(other));
  // However it is cut: an object may begin in one piece and end in the next.
  const [there, here] = [await fingerprint(one), await fingerprint([other])];
  const same = there.sum === here.sum;
  assert.equal(same, isDeepStrictEqual(difference, equal), 'the fingerprint says something else');
  return difference;
}

test('owners, order, settings and random keys don’t count', async () => {
  const staging =
    preamble.replaceAll('k1', 'k2') +
    entry('f(); Type: FUNCTION; Schema: public; Owner: doadmin', 'CREATE FUNCTION f() …;') +
    `SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n` +
    customers.replace('Owner: app', 'Owner: -') +
    end.replaceAll('k1', 'k2');
  assert.deepEqual(await compare(staging), equal);
  assert.equal(readSchemaScript(production).size, 2);
});

test('what is missing, unexpected or different is named with its type', async () => {
  const other = entry('g(); Type: FUNCTION; Schema: public; Owner: app', 'CREATE FUNCTION g() …;');
  assert.deepEqual(await compare(preamble + customers.replace('integer', 'bigint') + other + end), {
    missing: ['f(); Type: FUNCTION; Schema: public'],
    unexpected: ['g(); Type: FUNCTION; Schema: public'],
    different: ['customers; Type: TABLE; Schema: public'],
    relinked: [],
  });
});

test('several objects under one header are compared together, in any order', async () => {
  const [a, b] = ['CREATE OPERATOR = (a);', 'CREATE OPERATOR = (b);'].map((body) =>
    entry('=; Type: OPERATOR; Schema: public; Owner: app', body),
  );
  const whole = (script: string) => preamble + script + end;
  assert.deepEqual(await compareScripts(whole(`${a}${b}`), whole(`${b}${a}`)), equal);
  assert.deepEqual((await compareScripts(whole(`${a}${b}`), whole(`${a}`))).different, [
    '=; Type: OPERATOR; Schema: public',
  ]);
});

test('comments on extensions are the server’s own affair, other comments are not', () => {
  const read = (script: string) => readSchemaScript(preamble + script + end);
  const extension = entry(
    'EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner: ',
    `COMMENT ON EXTENSION pg_trgm IS 'x';`,
  );
  const table = entry('TABLE t; Type: COMMENT; Schema: public; Owner: app', `COMMENT ON TABLE t IS 'x';`);
  assert.equal(read(extension).size, 0);
  assert.equal(read(table).size, 1);
});

test('an expression may be said in other words, with other casts and parentheses; another value is a difference', async () => {
  const table = (check: string) =>
    preamble +
    entry('t; Type: TABLE; Schema: public; Owner: app', `CREATE TABLE t (CHECK ((${check})));`) +
    end;
  const difference = async (one: string, other: string) =>
    (await compareScripts(table(one), table(other))).different.length;
  const around = `(s)::text = ANY ((ARRAY['a'::character varying, 'b, (c)'::character varying(3)])::text[])`;
  const each = `(s)::text = ANY (ARRAY[('a'::character varying)::text, ('b, (c)'::character varying(3))::text])`;
  assert.equal(await difference(around, each), 0);
  assert.equal(await difference('FROM (VALUES (1)) "*VALUES*"', 'FROM ( VALUES (1)) "*VALUES*"'), 0);
  assert.equal(await difference('x::"Mixed ""Case"""."t"[] = 1', '(x)::app."a::b" = 1'), 0);
  assert.equal(await difference(`d = '1'::timestamp(3) with time zone`, `d = '1'`), 0);
  assert.equal(await difference(around, each.replace(`'a'`, `'A'`)), 1);
  assert.equal(await difference(around, each.replace('= ANY', '<> ALL')), 1);
});

test('18 names NOT NULL constraints, and counts up a name that is taken: that is no difference, a name of one’s own is', async () => {
  const table = (column: string) =>
    preamble +
    entry('t; Type: TABLE; Schema: public; Owner: app', `CREATE TABLE t (\n    ${column}\n);`) +
    end;
  const difference = async (column: string) =>
    (await compareScripts(table('id integer NOT NULL'), table(column))).different.length;
  assert.equal(await difference('id integer CONSTRAINT t_id_not_null1 NOT NULL'), 0);
  assert.equal(await difference('id integer CONSTRAINT "multi\nline ""x""_id_not_null" NOT NULL'), 0);
  assert.equal(await difference('id integer'), 1);
  assert.equal(await difference('id integer CONSTRAINT id_is_there NOT NULL'), 1);
  assert.equal(await difference('id integer CONSTRAINT t_id_not_null1 CHECK (id IS NOT NULL)'), 1);
});

test('inherited columns in another order are no difference of the definition; another type is one', () => {
  const read = (columns: string, more = '\nINHERITS (public.parent)') =>
    readSchemaScript(
      preamble +
        entry(
          'child; Type: TABLE; Schema: public; Owner: app',
          `CREATE TABLE public.child (\n${columns}\n)${more};`,
        ) +
        end,
    );
  const [ab, ba] = ['    a integer,\n    b integer', '    b integer,\n    a integer'];
  assert.deepEqual(compareSchemas(read(ab), read(ba)), equal);
  const different = ['child; Type: TABLE; Schema: public'];
  assert.deepEqual(compareSchemas(read(ab), read(ba.replace('a integer', 'a bigint'))).different, different);
  assert.deepEqual(compareSchemas(read(ab, ''), read(ba, '')).different, [
    'child; Type: TABLE; Schema: public',
  ]);
});

test('an operator’s link to its negator may be missing, nothing else of it', () => {
  const operator = (lines: string) =>
    readSchemaScript(
      preamble +
        entry('<!>; Type: OPERATOR; Schema: app; Owner: app', `CREATE OPERATOR app.<!> (\n${lines}\n);`) +
        end,
    );
  const bare = '    FUNCTION = app.f,\n    LEFTARG = app.c';
  const linked = `${bare},\n    COMMUTATOR = OPERATOR(app.<!>),\n    NEGATOR = OPERATOR(app.<=>)`;
  const name = ['<!>; Type: OPERATOR; Schema: app'];
  assert.deepEqual(compareSchemas(operator(bare), operator(linked)), { ...equal, relinked: name });
  const other = linked.replace('LEFTARG', 'RIGHTARG');
  assert.deepEqual(compareSchemas(operator(bare), operator(other)), { ...equal, different: name });
});
