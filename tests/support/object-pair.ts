import { superuser, withSession } from '../../scripts/local/session.ts';
import { engineEnvironment, freshDatabase, servers, type TestDatabase } from './servers.ts';

/** Two empty databases for objects of a test's own. */
export async function pair(): Promise<{ production: TestDatabase; staging: TestDatabase }> {
  const both = await servers();
  return {
    production: await freshDatabase(both.production, { prefix: 'objects' }),
    staging: await freshDatabase(both.staging, { prefix: 'objects' }),
  };
}

/** Of the reader's and doadmin's rights. */
export function environment(
  production: TestDatabase,
  staging: TestDatabase,
): Promise<Record<string, string>> {
  return engineEnvironment({ productionDatabase: production.name, stagingDatabase: staging.name });
}

/** As superuser. */
export async function sql(database: TestDatabase, text: string): Promise<Record<string, unknown>[]> {
  return await withSession(database.server, superuser(database.server), database.name, async (session) => {
    const result = await session.query(text);
    return Array.isArray(result) ? [] : result.rows;
  });
}
