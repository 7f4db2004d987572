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
 */
export function readdressPrivileges(
  script: string,
  roleOf: (role: string) => string | undefined,
): Readdressed {
  const statements: string[] = [];
  const missingRoles = new Set<string>();
  for (const statement of splitStatements(script)) {
    if (!/^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) /.test(statement)) continue;
    let complete = true;
    const address = (words: string, quoted: string) => {
      const role = unquote(quoted);
      const here = role === 'PUBLIC' && quoted === 'PUBLIC' ? 'PUBLIC' : roleOf(role);
      if (here === undefined) {
        missingRoles.add(role);
        complete = false;
        return '';
      }
      return `${words} ${here === 'PUBLIC' ? here : quote(here)}`;
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
    if (complete) statements.push(readdressed);
  }
  return { statements, missingRoles };
}

/** An identifier as pg_dump writes it: quoted, or lower case without need of quotes, or PUBLIC. */
const identifier = '"(?:[^"]|"")+"|[^\\s";]+';

/** Privilege statements have no strings or bodies: only quoted names can hold a semicolon, a line break or a comment. */
function splitStatements(script: string): string[] {
  const statements: string[] = [];
  for (const [part] of script.matchAll(/(?:--[^\n]*\n|"[^"]*"|[^";])+/g)) {
    const statement = part.replaceAll(/("[^"]*")|--[^\n]*\n/g, (_, name = '') => name).trim();
    if (statement !== '') statements.push(statement);
  }
  return statements;
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
