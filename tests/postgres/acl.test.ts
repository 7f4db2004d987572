import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantorsOf, readdressPrivileges } from '../../scripts/postgres/acl.ts';

/** Staging has `app`, `weekly"report`, `PUBLIC` and `a TO b`; production's `owner` is `app` here. */
const here = new Map([
  ['app', 'app'],
  ['owner', 'app'],
  ['weekly"report', 'weekly"report'],
  ['PUBLIC', 'PUBLIC x'],
  ['a TO b', 'a TO b'],
]);
const readdress = (script: string) => readdressPrivileges(script, (role) => here.get(role));

test('each form that pg_restore writes is addressed to staging’s role', () => {
  const cases: [string, string | undefined][] = [
    ['GRANT SELECT ON TABLE public.t TO app;', 'GRANT SELECT ON TABLE public.t TO "app"'],
    ['GRANT SELECT ON TABLE public.t TO owner;', 'GRANT SELECT ON TABLE public.t TO "app"'],
    ['GRANT USAGE ON SCHEMA s TO PUBLIC;', 'GRANT USAGE ON SCHEMA s TO PUBLIC'],
    ['GRANT USAGE ON SCHEMA s TO "PUBLIC";', 'GRANT USAGE ON SCHEMA s TO "PUBLIC x"'],
    ['REVOKE USAGE ON SCHEMA public FROM PUBLIC;', 'REVOKE USAGE ON SCHEMA public FROM PUBLIC'],
    [
      'REVOKE ALL ON FUNCTION f(integer, text) FROM owner;',
      'REVOKE ALL ON FUNCTION f(integer, text) FROM "app"',
    ],
    [
      'GRANT SELECT(a,"b;c") ON TABLE t TO "weekly""report" WITH GRANT OPTION;',
      'GRANT SELECT(a,"b;c") ON TABLE t TO "weekly""report" WITH GRANT OPTION',
    ],
    [
      'GRANT SELECT ON TABLE public."x TO stranger" TO app;',
      'GRANT SELECT ON TABLE public."x TO stranger" TO "app"',
    ],
    [
      'GRANT SELECT ON TABLE public."x TO ""app""" TO "a TO b";',
      'GRANT SELECT ON TABLE public."x TO ""app""" TO "a TO b"',
    ],
    [
      'GRANT SELECT ON TABLE public."two\nlines; GRANT" TO app;',
      'GRANT SELECT ON TABLE public."two\nlines; GRANT" TO "app"',
    ],
    [
      'ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA s GRANT SELECT ON TABLES TO app;',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "app" IN SCHEMA s GRANT SELECT ON TABLES TO "app"',
    ],
    [
      'ALTER DEFAULT PRIVILEGES FOR ROLE owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "app" REVOKE ALL ON FUNCTIONS FROM PUBLIC',
    ],
    ['GRANT SELECT ON TABLE public.t TO stranger;', undefined],
    ['ALTER DEFAULT PRIVILEGES FOR ROLE stranger GRANT SELECT ON TABLES TO app;', undefined],
    ['ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON TABLES TO "stranger";', undefined],
  ];
  for (const [statement, expected] of cases) {
    const { statements, missingRoles } = readdress(`--\n-- Name: x; Type: ACL\n--\n\n${statement}\n\n`);
    assert.deepEqual(statements, expected === undefined ? [] : [expected], statement);
    assert.deepEqual([...missingRoles], expected === undefined ? ['stranger'] : [], statement);
  }
});

test('order stays, settings and comments go', () => {
  const { statements } = readdress(`
--
-- PostgreSQL database dump
--

\\restrict abc

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

--
-- Name: TABLE t; Type: ACL; Schema: public; Owner: it's
--

REVOKE ALL ON TABLE public.t FROM owner;
SET SESSION AUTHORIZATION owner;
GRANT SELECT ON TABLE public.t TO app;
RESET SESSION AUTHORIZATION;
GRANT INSERT ON TABLE public.t TO app;

--
-- PostgreSQL database dump complete
--

\\unrestrict abc
`);
  assert.deepEqual(statements, [
    'REVOKE ALL ON TABLE public.t FROM "app"',
    'GRANT SELECT ON TABLE public.t TO "app"',
    'GRANT INSERT ON TABLE public.t TO "app"',
  ]);
});

test('a quoted name that holds a comment is a name', () => {
  const { statements } = readdress('GRANT SELECT ON TABLE public."a\n-- b" TO app;');
  assert.deepEqual(statements, ['GRANT SELECT ON TABLE public."a\n-- b" TO "app"']);
});

test('what one role has granted of another’s it grants here, too, where we may act for it', () => {
  const script = `GRANT SELECT ON TABLE t TO app WITH GRANT OPTION;
SET SESSION AUTHORIZATION "a TO b";
GRANT SELECT ON TABLE t TO app;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION app;
GRANT INSERT ON TABLE t TO "a TO b";
RESET SESSION AUTHORIZATION;
GRANT UPDATE ON TABLE t TO app;
`;
  assert.deepEqual([...grantorsOf(script)], ['a TO b', 'app']);
  const { statements } = readdressPrivileges(script, (role) => here.get(role), new Set(['a TO b']));
  assert.deepEqual(statements, [
    'GRANT SELECT ON TABLE t TO "app" WITH GRANT OPTION',
    'set role "a TO b";\nGRANT SELECT ON TABLE t TO "app";\nreset role',
    'GRANT INSERT ON TABLE t TO "a TO b"',
    'GRANT UPDATE ON TABLE t TO "app"',
  ]);
});
