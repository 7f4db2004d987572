import { RefreshError } from '../../model/errors.ts';
import { ident } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';

/** Production's roles that a row level security policy names, each with one such policy. */
export function listPolicyRoles(production: Session): Promise<PolicyRole[]> {
  return production.rows<PolicyRole>(
    `select distinct on (r.rolname) r.rolname::text as role, format('%s of %s', p.polname, p.polrelid::regclass) as policy
       from pg_catalog.pg_policy p join pg_catalog.pg_roles r on r.oid = any (p.polroles) order by r.rolname`,
  );
}

export interface PolicyRole {
  readonly role: string;
  readonly policy: string;
}

/**
 * A row level security policy names its roles; without them it can't be made, and without it rows are open.
 *
 * @throws RefreshError `not-permitted` with the CREATE ROLE that repairs it.
 */
export function requirePolicyRoles(named: readonly PolicyRole[], roles: ReadonlySet<string>): void {
  const missing = named.filter(({ role }) => !roles.has(role));
  const [first] = missing;
  if (!first) return;
  throw new RefreshError('not-permitted', `staging lacks a role that the policy ${first.policy} names`, {
    object: missing.map(({ role }) => role).join(', '),
    hint: `as staging’s administrator: ${missing.map(({ role }) => `CREATE ROLE ${ident(role)};`).join(' ')}`,
  });
}
