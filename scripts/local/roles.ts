import { escapeIdentifier, escapeLiteral } from 'pg';
import type { LocalServer } from './local-server.ts';
import { admin, type Login, superuser, withSession } from './session.ts';

/**
 * What a new managed cluster of DigitalOcean has: `doadmin`, who is no superuser, and its database `defaultdb`.
 * Published are the attributes; memberships are not, so there are none.
 */
export async function giveManagedRoles(server: LocalServer, majorVersion: number): Promise<void> {
  await withSession(server, superuser(server), 'postgres', async (session) => {
    const password = escapeLiteral(server.adminPassword);
    await session.query(
      `CREATE ROLE doadmin LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS PASSWORD ${password}`,
    );
    await session.query('CREATE DATABASE defaultdb OWNER doadmin');
  });
  if (majorVersion >= 15) return;
  for (const database of ['template1', 'defaultdb']) {
    await withSession(server, superuser(server), database, async (session) => {
      // Version 15 took this right from everybody; an older server that stands in for 17 must not be laxer.
      await session.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
      await session.query('ALTER SCHEMA public OWNER TO pg_database_owner');
    });
  }
}

/** A server that began with another's files: DigitalOcean gives the administrator of a fork a password of its own. */
export async function giveNewPasswords(server: LocalServer, origin: LocalServer): Promise<void> {
  await withSession(server, superuser(origin), 'postgres', async (session) => {
    for (const { user, password } of [admin(server), superuser(server)]) {
      await session.query(`ALTER ROLE ${escapeIdentifier(user)} PASSWORD ${escapeLiteral(password)}`);
    }
  });
}

/** A user as DigitalOcean's API makes one: it may log in, and `doadmin` administers it. */
export async function createUser(server: LocalServer, user: string, password: string): Promise<void> {
  await withSession(server, admin(server), 'defaultdb', async (session) => {
    await session.query(`CREATE ROLE ${escapeIdentifier(user)} LOGIN PASSWORD ${escapeLiteral(password)}`);
  });
}

/** Fails as PostgreSQL does while the user owns anything. */
export async function dropUser(server: LocalServer, user: string): Promise<void> {
  await withSession(server, superuser(server), 'defaultdb', async (session) => {
    await session.query(`DROP ROLE ${escapeIdentifier(user)}`);
  });
}

/** A database as DigitalOcean's API makes one, owned by `doadmin` unless `owner` is given. */
export async function createDatabase(server: LocalServer, name: string, owner = 'doadmin'): Promise<void> {
  await withSession(server, superuser(server), 'postgres', async (session) => {
    await session.query(`CREATE DATABASE ${escapeIdentifier(name)} OWNER ${escapeIdentifier(owner)}`);
  });
}

/** Ends its sessions first, as the API does; no effect when there is no such database. */
export async function dropDatabase(server: LocalServer, name: string): Promise<void> {
  await withSession(server, superuser(server), 'postgres', async (session) => {
    await session.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
  });
}

/**
 * The role that reads production for a refresh: it reads every table, rows under row security included, and its
 * sessions can't write unless they ask for it.
 */
export async function createReader(server: LocalServer, reader: Login, database: string): Promise<void> {
  const name = escapeIdentifier(reader.user);
  await withSession(server, superuser(server), 'postgres', async (session) => {
    await session.query(
      `CREATE ROLE ${name} LOGIN NOSUPERUSER BYPASSRLS PASSWORD ${escapeLiteral(reader.password)} IN ROLE pg_read_all_data`,
    );
    await session.query(`ALTER ROLE ${name} SET default_transaction_read_only = on`);
    await session.query(`GRANT CONNECT ON DATABASE ${escapeIdentifier(database)} TO ${name}`);
  });
}
