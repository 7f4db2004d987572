import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { DigitalOcean } from '../../digitalocean/client.ts';
import { RefreshError } from '../../model/errors.ts';
import { applicationOf, type ForkRun } from '../../model/run.ts';
import { describeAddress } from '../../model/server-address.ts';
import { ident } from '../../model/table.ts';
import { openSession, type Session } from '../../postgres/session.ts';

/**
 * Gives every role that may log in another password than production's: DigitalOcean resets those that it knows, which
 * its page and its API tell then; all others get one that nobody knows. Proved with production's own login.
 *
 * @throws RefreshError `not-permitted` naming the role whose password stays.
 */
export async function changePasswords(run: ForkRun, session: Session): Promise<void> {
  const { digitalOcean, stagingClusterId, staging } = run.config;
  const api = new DigitalOcean(digitalOcean, { signal: run.signal });
  const known = new Set(await api.users(stagingClusterId));
  const roles = await session.rows<{ name: string; superuser: boolean }>(
    'select rolname::text as name, rolsuper as superuser from pg_catalog.pg_roles where rolcanlogin order by 1',
  );
  const own: string[] = [];
  for (const { name, superuser } of roles) {
    run.signal.throwIfAborted();
    if (name === staging.user) continue;
    if (known.has(name)) await api.resetPassword(stagingClusterId, name);
    // The provider's own, which it sets by itself in each cluster.
    else if (superuser) run.log.info(`the role ${name} is a superuser of the provider’s: left to it`);
    else await changePassword(session, name);
    if (known.has(name) || !superuser) own.push(name);
  }
  run.log.info(`passwords of production do not work any more: ${own.join(', ') || 'there was none'}`);
  await proveLoginRefused(run);
}

/** Only the verifier is sent: no log of statements has a password that works. */
async function changePassword(session: Session, role: string): Promise<void> {
  try {
    await session.run(
      `alter role ${ident(role)} password '${scramVerifier(randomBytes(32).toString('hex'))}'`,
    );
  } catch (cause) {
    throw new RefreshError('not-permitted', `the password of ${role} is production’s and can’t be changed`, {
      object: `role ${role}`,
      hint: `in production, so that later backups have it: GRANT ${ident(role)} TO the administrator WITH ADMIN OPTION, or make the role on DigitalOcean’s page; then make a new fork`,
      cause,
    });
  }
}

/** RFC 5803's form, as PostgreSQL stores it (manual, 53.8 "pg_authid"). */
function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${keyed('Server Key').toString('base64')}`;
}

async function proveLoginRefused(run: ForkRun): Promise<void> {
  const { production, staging } = run.config;
  const { user, password } = production;
  const opened = await openSession(
    { ...staging, user, password },
    { side: 'staging', applicationName: applicationOf(run), signal: run.signal },
  ).catch((error: unknown) => {
    if (error instanceof RefreshError && error.code === 'login-refused') return null;
    throw error;
  });
  if (!opened) return;
  await opened.close();
  throw new RefreshError('not-permitted', 'production’s own login still works in the fork', {
    object: describeAddress(staging),
    hint: `its role ${user} may log in without this password, or it could not be changed: the fork stays closed`,
  });
}
