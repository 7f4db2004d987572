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

const compare = (production: string, staging: string) => {
  const told: string[] = [];
  compareDefinitions({ production, staging }, (line) => told.push(line));
  return told;
};

test('another version of PostgreSQL may say a view in other words, and that is told; the same version may not', () => {
  const [older, newer] = ['c.id\n   FROM public.customers c', 'id\n   FROM public.customers c'];
  assert.deepEqual(compare(script('15.18 (Debian 15.18-0+deb12u1)', older), script('17.10', newer)), [
    'said in other words by PostgreSQL 17.10 than by 15.18: v; Type: VIEW; Schema: public',
  ]);
  assert.throws(() => compare(script('17.10', older), script('17.10', newer)), {
    code: 'copy-differs',
    message: 'different v; Type: VIEW; Schema: public',
  });
  assert.throws(
    () => compare(script('15.18', older), script('17.10', newer).replace('Name: v;', 'Name: w;')),
    {
      message: 'missing v; Type: VIEW; Schema: public, unexpected w; Type: VIEW; Schema: public',
    },
  );
});

test('whose the schema public is, which is in every database, is no difference of definitions', () => {
  const [, rest = ''] = script('17.10', '1').split(/(?=--\n-- Name: v;)/);
  assert.deepEqual(compare(script('17.10', '1'), `-- Dumped from database version 17.10\n\n${rest}`), []);
});
