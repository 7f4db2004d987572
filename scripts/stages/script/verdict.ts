import type { Statement } from '../../artifact/dump-item.ts';
import { isCopyIn } from '../../artifact/dump-scanner.ts';
import { unquoted } from '../../model/table.ts';

/** What becomes of one statement of somebody else's dump. */
export type Verdict =
  | { readonly kind: 'run' }
  | { readonly kind: 'insert' }
  | { readonly kind: 'copy' }
  /** Of an empty database nothing can be dropped: what is not there is as good as gone. */
  | { readonly kind: 'drop' }
  /** BEGIN and COMMIT, which pg_dump writes around large objects. */
  | { readonly kind: 'transaction' }
  | { readonly kind: 'setting'; readonly name: string }
  | { readonly kind: 'owner'; readonly role: string }
  | { readonly kind: 'privilege' }
  | { readonly kind: 'leave-out'; readonly reason: string }
  /** Not worth a word. */
  | { readonly kind: 'pass-over' }
  | { readonly kind: 'refuse'; readonly reason: string };

/** Pure. @param superuser whether we are one in staging. */
export function judge(statement: Statement, superuser: boolean): Verdict {
  const { text, outline } = statement;
  const rule = rules.find(({ pattern, unlessSuperuser }) => {
    return pattern.test(outline) && !(unlessSuperuser && superuser);
  });
  if (rule) return rule.verdict;
  const setting = /^SET\s+(?:SESSION\s+|LOCAL\s+)?([a-z_][\w.]*)\s*(?:=|TO\b)/i.exec(outline)?.[1];
  if (setting) return { kind: 'setting', name: setting.toLowerCase() };
  if (/^ALTER\s[^']*\sOWNER\s+TO\s+((?:"")+|[^\s"]+)$/i.test(outline)) {
    const owner = /\sOWNER\s+TO\s+("(?:[^"]|"")+"|[^\s"]+)$/i.exec(text)?.[1];
    if (owner) return { kind: 'owner', role: unquoted(owner) };
  }
  if (isCopyIn(statement)) return { kind: 'copy' };
  if (/^COPY\b/i.test(outline)) return refuse('a COPY that reads or writes a file or a program');
  return { kind: 'run' };
}

interface Rule {
  readonly pattern: RegExp;
  readonly verdict: Verdict;
  readonly unlessSuperuser?: boolean;
}

const refuse = (what: string): Verdict => ({ kind: 'refuse', reason: `it holds ${what}` });
const leaveOut = (reason: string): Verdict => ({ kind: 'leave-out', reason });

/** The first that fits decides. Each sees a statement's outline: no comments, nothing that stands in quotes. */
const rules: readonly Rule[] = [
  {
    pattern: /^(CREATE|ALTER|DROP)\s+(DATABASE|ROLE|GROUP|TABLESPACE|SYSTEM|USER(?!\s+MAPPING))\b/i,
    verdict: refuse('a statement that reaches beyond one database; dump one database, without --create'),
  },
  {
    pattern:
      /^(DROP\s+OWNED|REASSIGN|(COMMENT|SECURITY\s+LABEL(\s+FOR\s+\S+)?)\s+ON\s+(ROLE|TABLESPACE)|(GRANT|REVOKE)\b.*\sON\s+(DATABASE|TABLESPACE|PARAMETER))\b/is,
    verdict: refuse('a statement that reaches beyond one database'),
  },
  { pattern: /^(GRANT|REVOKE)\b(?!.*\sON\s)/is, verdict: refuse('a grant of a role') },
  { pattern: /^LOAD\b/i, verdict: refuse('LOAD, which loads a library into the server') },
  {
    pattern: /^(DO|CALL)\b/i,
    verdict: refuse('a DO or CALL, whose code could do anything; pg_dump writes none'),
  },
  {
    pattern:
      /^(VACUUM|REINDEX|PREPARE\s+TRANSACTION|(COMMIT|ROLLBACK)\s+PREPARED|(CREATE(\s+UNIQUE)?|DROP)\s+INDEX\s+CONCURRENTLY)\b/i,
    verdict: refuse('a statement that can’t stand in a transaction; pg_dump writes none'),
  },
  { pattern: /^(ROLLBACK|ABORT)\b/i, verdict: refuse('a ROLLBACK; pg_dump writes none') },
  { pattern: /^(BEGIN|START\s+TRANSACTION|COMMIT|END)\b/i, verdict: { kind: 'transaction' } },
  {
    pattern: /^SET\s+((SESSION|LOCAL)\s+)?standard_conforming_strings\b(?!\s*(=|TO\b)\s*(on|true|1)$)/i,
    verdict: refuse('strings in the way of standard_conforming_strings = off'),
  },
  {
    pattern: /^SET\s+((SESSION|LOCAL)\s+)?(U&)?""/i,
    verdict: refuse('a setting whose name stands in quotes'),
  },
  {
    pattern: /^(SET\s+((SESSION|LOCAL)\s+)?(SESSION\s+AUTHORIZATION|ROLE)|RESET)\b/i,
    verdict: { kind: 'pass-over' },
  },
  // The server's own, which an older pg_dump takes for the user's: see postgres/servers-own-options.ts.
  {
    pattern: /^ALTER\s+(FOREIGN\s+)?TABLE\b.*\sALTER\s+COLUMN\s+\S+\s+SET\s+\(pg_\w+=[^,]*\)$/is,
    verdict: { kind: 'pass-over' },
  },
  // Extensions of a managed server belong to its superuser, who has commented on them already.
  { pattern: /^COMMENT\s+ON\s+(EXTENSION|DATABASE)\b/i, verdict: { kind: 'pass-over' } },
  { pattern: /^(GRANT|REVOKE|ALTER\s+DEFAULT\s+PRIVILEGES)\b/i, verdict: { kind: 'privilege' } },
  {
    pattern: /^(CREATE|ALTER|COMMENT\s+ON|DROP)\s+SUBSCRIPTION\b/i,
    verdict: leaveOut('staging must not take part in replication'),
  },
  {
    pattern: /^CREATE\s+USER\s+MAPPING\b/i,
    verdict: leaveOut('it may hold a password for a server that staging must not reach'),
  },
  {
    pattern: /^(DROP|ALTER\s[^']*\sDROP\s+(CONSTRAINT|DEFAULT)|SELECT\s+pg_catalog\.lo_unlink)\b/i,
    verdict: { kind: 'drop' },
  },
  {
    // What --clean puts in a view's place before it drops what the view needs; pg_dump guards it by no IF EXISTS.
    pattern: /^CREATE\s+OR\s+REPLACE\s+VIEW\s+\S+\s+AS\s+SELECT\s+NULL::(?!.*\sFROM\s)/is,
    verdict: { kind: 'drop' },
  },
  {
    pattern: /^(CREATE|ALTER|COMMENT\s+ON)\s+(EVENT\s+TRIGGER|FOREIGN\s+DATA\s+WRAPPER|ACCESS\s+METHOD)\b/i,
    verdict: leaveOut('only a superuser may make it'),
    unlessSuperuser: true,
  },
  {
    pattern: /^(CREATE|ALTER|COMMENT\s+ON)\s+(OR\s+REPLACE\s+)?(TRUSTED\s+)?(PROCEDURAL\s+)?LANGUAGE\b/i,
    verdict: leaveOut('only a superuser may make it'),
    unlessSuperuser: true,
  },
  {
    pattern:
      /^(CREATE\s+PUBLICATION\b.*\sFOR\s+(ALL\s+TABLES|TABLES\s+IN\s+SCHEMA)|ALTER\s+PUBLICATION\b.*\sADD\s+TABLES\s+IN\s+SCHEMA)\b/is,
    verdict: leaveOut('only a superuser may publish all tables'),
    unlessSuperuser: true,
  },
  { pattern: /^INSERT\b/i, verdict: { kind: 'insert' } },
];
