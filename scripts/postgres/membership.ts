import { ident } from '../model/table.ts';
import type { Session } from './session.ts';

interface Server {
  readonly staging: { readonly versionNumber: number };
  readonly stagingUser: string;
}

/** Until 15 membership meant everything; from 16 on SET and INHERIT are granted apart (manual, GRANT). */
const setAndInherit = 160000;

/**
 * Whether the session's role may act for another one: ALTER … OWNER TO needs SET ROLE to the new owner, DROP and RENAME
 * need what an owner has. Where it may grant itself that membership, it does.
 */
export async function mayActFor(session: Session, server: Server, role: string): Promise<boolean> {
  if (role === server.stagingUser || (await isMember(session, server, role))) return true;
  const granted = await session.attempt(grantMembership(server, role)).then(
    () => true,
    () => false,
  );
  return granted && (await isMember(session, server, role));
}

/** The GRANT that lets staging's administrator act for a role. */
export function grantMembership({ staging, stagingUser }: Server, role: string): string {
  const options = staging.versionNumber >= setAndInherit ? ' with inherit true, set true' : '';
  return `grant ${ident(role)} to ${ident(stagingUser)}${options}`;
}

export async function isMember(
  session: Session,
  { staging }: Pick<Server, 'staging'>,
  role: string,
): Promise<boolean> {
  const privileges = staging.versionNumber >= setAndInherit ? ['SET', 'USAGE'] : ['MEMBER', 'USAGE'];
  const tests = privileges.map((privilege) => `pg_catalog.pg_has_role(current_user, $1, '${privilege}')`);
  const { ok } = await session.row<{ ok: boolean }>(`select ${tests.join(' and ')} as ok`, [role]);
  return ok;
}
