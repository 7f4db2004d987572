import { ident, unquoted } from '../model/table.ts';

/** What became of pg_dump's privileges on their way to a server with other roles. */
export interface Readdressed {
  readonly statements: readonly string[];
  /** Roles that were granted something and are not there. */
  readonly missingRoles: ReadonlySet<string>;
}

/**
 * Takes the GRANT, REVOKE and ALTER DEFAULT PRIVILEGES statements out of a script of pg_restore's and addresses them to
 * staging's roles. A statement for a role that staging lacks is left out and the role is named.
 *
 * @param roleOf staging's role for production's, undefined where there is none.
 * @param mayBe roles that we may act for: what one of them has granted in production it grants here, else the owner does.
 */
export function readdressPrivileges(
  script: string,
  roleOf: (role: string) => string | undefined,
  mayBe: ReadonlySet<string> = new Set(),
): Readdressed {
  const statements: string[] = [];
  const missingRoles = new Set<string>();
  let grantor: string | undefined;
  for (const statement of splitStatements(script)) {
    const [, somebody] = authorization.exec(statement) ?? [];
    if (somebody !== undefined) grantor = unquoted(somebody);
    if (statement === 'RESET SESSION AUTHORIZATION') grantor = undefined;
    if (!/^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) /.test(statement)) continue;
    let complete = true;
    const address = (words: string, quoted: string) => {
      const role = unquoted(quoted);
      const here = role === 'PUBLIC' && quoted === 'PUBLIC' ? 'PUBLIC' : roleOf(role);
      if (here === undefined) {
        missingRoles.add(role);
        complete = false;
        return '';
      }
      return `${words} ${here === 'PUBLIC' ? here : ident(here)}`;
    };
    const readdressed = statement
      .replace(new RegExp(`^(ALTER DEFAULT PRIVILEGES FOR ROLE) (${identifier})`), (_, words, role) =>
        address(words, role),
      )
      .replace(
        new RegExp(`( TO| FROM) (${identifier})( WITH GRANT OPTION)?$`),
        (_, words, role, option = '') => {
          return address(words, role) + option;
        },
      );
    if (!complete) continue;
    const own = grantor === undefined || !mayBe.has(grantor);
    statements.push(own ? readdressed : `set role ${ident(grantor ?? '')};\n${readdressed};\nreset role`);
  }
  return { statements, missingRoles };
}

/** Roles that have granted something of somebody else's (pg_dump's dumputils.c, buildACLCommands). */
export function grantorsOf(script: string): Set<string> {
  return new Set(
    splitStatements(script).flatMap((statement) => {
      const [, role] = authorization.exec(statement) ?? [];
      return role === undefined ? [] : unquoted(role);
    }),
  );
}

/** An identifier as pg_dump writes it: quoted, or lower case without need of quotes, or PUBLIC. */
const identifier = '"(?:[^"]|"")+"|[^\\s";]+';

const authorization = new RegExp(`^SET SESSION AUTHORIZATION (${identifier})$`);

/** Privilege statements have no strings or bodies: only quoted names can hold a semicolon, a line break or a comment. */
function splitStatements(script: string): string[] {
  const statements: string[] = [];
  for (const [part] of script.matchAll(/(?:--[^\n]*\n|"[^"]*"|[^";])+/g)) {
    const statement = part.replaceAll(/("[^"]*")|--[^\n]*\n/g, (_, name = '') => name).trim();
    if (statement !== '') statements.push(statement);
  }
  return statements;
}
