import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareDefinitions } from '../../../scripts/stages/verify/comparisons.ts';

const script = (version: string, view: string) => `--
-- PostgreSQL database dump
--

-- Dumped from database version ${version}
-- Dumped by pg_dump version 17.10

SET statement_timeout = 0;

--
-- Name: public; Type: SCHEMA; Schema: -; Owner: ${version.startsWith('15') ? 'postgres' : 'app'}
--

-- *not* creating schema, since initdb creates it


--
-- Name: v; Type: VIEW; Schema: public; Owner: app
--

CREATE VIEW public.v AS
 SELECT ${view};


--
-- PostgreSQL database dump complete
--
`;

const compare = async (production: string, staging: string, restored?: string) => {
  const told: string[] = [];
  const again = restored === undefined ? undefined : async () => restored;
  const pieces = async function* () {
    yield* [production.slice(0, 20), production.slice(20)];
  };
  const scripts = { production: pieces, staging: async () => staging, restored: again };
  await compareDefinitions(scripts, (line) => told.push(line), false);
  return told;
};

const [older, newer] = ['c.id\n   FROM public.customers c', 'id\n   FROM public.customers c'];
const told = ['staging’s PostgreSQL says in other words what production has: v; Type: VIEW; Schema: public'];

test('what PostgreSQL says in other words after any restore is told; what only the copy has is refused', async () => {
  const [production, staging] = [script('17.10', older), script('17.10', newer)];
  assert.deepEqual(await compare(production, staging, staging), told);
  const refused = { code: 'copy-differs', message: 'different v; Type: VIEW; Schema: public' };
  await assert.rejects(compare(production, staging, production), refused);
  await assert.rejects(compare(script('15.18', older), staging, production), refused);
});

test('where nothing can be restored, another version may say a view in other words; the same one may not', async () => {
  assert.deepEqual(
    await compare(script('15.18 (Debian 15.18-0+deb12u1)', older), script('17.10', newer)),
    told,
  );
  await assert.rejects(compare(script('17.10', older), script('17.10', newer)), {
    code: 'copy-differs',
    message: 'different v; Type: VIEW; Schema: public',
  });
});

test('what is missing is refused, whatever the version', async () => {
  const staging = script('17.10', newer).replace('Name: v;', 'Name: w;');
  await assert.rejects(compare(script('15.18', older), staging, staging), {
    message: 'missing v; Type: VIEW; Schema: public, unexpected w; Type: VIEW; Schema: public',
  });
});

test('whose the schema public is, which is in every database, is no difference of definitions', async () => {
  const [, rest = ''] = script('17.10', '1').split(/(?=--\n-- Name: v;)/);
  assert.deepEqual(
    await compare(script('17.10', '1'), `-- Dumped from database version 17.10\n\n${rest}`),
    [],
  );
});
