import { isCopyIn } from '../../artifact/dump-scanner.ts';

/** What becomes of one statement of somebody else's dump. */
export type Verdict =
  | { readonly kind: 'run' }
  | { readonly kind: 'insert' }
  | { readonly kind: 'copy' }
  /** Of an empty database nothing can be dropped: what is not there is as good as gone. */
  | { readonly kind: 'drop' }
  | { readonly kind: 'setting'; readonly name: string }
  | { readonly kind: 'owner'; readonly role: string }
  | { readonly kind: 'privilege' }
  | { readonly kind: 'leave-out'; readonly reason: string }
  /** Not worth a word. */
  | { readonly kind: 'pass-over' }
  | { readonly kind: 'refuse'; readonly reason: string };

/** Pure. @param superuser whether we are one in staging. */
export function judge(statement: string, superuser: boolean): Verdict {
  const rule = rules.find(({ pattern, unlessSuperuser }) => {
    return pattern.test(statement) && !(unlessSuperuser && superuser);
  });
  if (rule) return rule.verdict;
  const setting = /^SET\s+(?:SESSION\s+|LOCAL\s+)?([a-z_][\w.]*)\s*(?:=|TO)\s/i.exec(statement)?.[1];
  if (setting) return { kind: 'setting', name: setting.toLowerCase() };
  const owner = /^ALTER\s[^']*\sOWNER TO ("(?:[^"]|"")+"|[^\s"]+)$/.exec(statement)?.[1];
  if (owner) return { kind: 'owner', role: unquote(owner) };
  if (isCopyIn(statement)) return { kind: 'copy' };
  if (/^COPY\s/i.test(statement)) return refuse('a COPY that reads or writes a file or a program');
  return { kind: 'run' };
}

interface Rule {
  readonly pattern: RegExp;
  readonly verdict: Verdict;
  readonly unlessSuperuser?: boolean;
}

const refuse = (what: string): Verdict => ({ kind: 'refuse', reason: `it holds ${what}` });
const leaveOut = (reason: string): Verdict => ({ kind: 'leave-out', reason });

/** The first that fits decides. */
const rules: readonly Rule[] = [
  {
    pattern: /^(CREATE|ALTER|DROP)\s+(DATABASE|ROLE|GROUP|TABLESPACE|SYSTEM|USER(?!\s+MAPPING))\b/i,
    verdict: refuse('a statement that reaches beyond one database; dump one database, without --create'),
  },
  { pattern: /^(GRANT|REVOKE)\s(?!.*\sON\s)/is, verdict: refuse('a grant of a role') },
  { pattern: /^LOAD\s/i, verdict: refuse('LOAD, which loads a library into the server') },
  {
    pattern: /^SET\s+standard_conforming_strings\s*(=|TO)\s*'?off/i,
    verdict: refuse('strings in the way of standard_conforming_strings = off'),
  },
  { pattern: /^(SET\s+(SESSION\s+AUTHORIZATION|ROLE)|RESET\s)/i, verdict: { kind: 'pass-over' } },
  // Extensions of a managed server belong to its superuser, who has commented on them already.
  { pattern: /^COMMENT ON (EXTENSION|DATABASE)\s/i, verdict: { kind: 'pass-over' } },
  { pattern: /^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES)\s/i, verdict: { kind: 'privilege' } },
  {
    pattern: /^(CREATE|ALTER|COMMENT ON|DROP) SUBSCRIPTION\s/i,
    verdict: leaveOut('staging must not take part in replication'),
  },
  {
    pattern: /^CREATE USER MAPPING\s/i,
    verdict: leaveOut('it may hold a password for a server that staging must not reach'),
  },
  {
    pattern: /^(DROP|ALTER\s[^']*\sDROP CONSTRAINT|ALTER\s[^']*\sDROP DEFAULT)\s?/i,
    verdict: { kind: 'drop' },
  },
  {
    pattern: /^(CREATE|ALTER|COMMENT ON) (EVENT TRIGGER|FOREIGN DATA WRAPPER|ACCESS METHOD)\s/i,
    verdict: leaveOut('only a superuser may make it'),
    unlessSuperuser: true,
  },
  {
    pattern: /^(CREATE|ALTER|COMMENT ON)\s(OR REPLACE\s)?(TRUSTED\s)?(PROCEDURAL\s)?LANGUAGE\s/i,
    verdict: leaveOut('only a superuser may make it'),
    unlessSuperuser: true,
  },
  {
    pattern:
      /^(CREATE PUBLICATION\s.*\sFOR (ALL TABLES|TABLES IN SCHEMA)|ALTER PUBLICATION\s.*\sADD TABLES IN SCHEMA)\b/is,
    verdict: leaveOut('only a superuser may publish all tables'),
    unlessSuperuser: true,
  },
  { pattern: /^INSERT\s/i, verdict: { kind: 'insert' } },
];

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
