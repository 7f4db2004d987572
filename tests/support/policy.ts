import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { as } from './scenario.ts';
import { type TestDatabase, testFolder } from './servers.ts';

/** Key of the masks in tests; long enough that finding it anywhere is no chance. */
export const maskKey = 'b1946ac92492d2347c6235b4d2611184-the-key-of-the-tests';

/** A text that the mask `ip` leaves as it is under this key: one of the few of 198.18.0.0/15, to which it leads. */
export const ownMask = {
  key: 'a key of the tests under which an address is its own mask: 0',
  address: '198.18.59.166',
};

/** Flags that name a policy with this text, and files beside it. */
export async function policyFlags(
  text: string,
  files: Readonly<Record<string, string>> = {},
): Promise<['--policy', string]> {
  const folder = join(await testFolder(), `policy-${randomBytes(4).toString('hex')}`);
  await mkdir(join(folder, 'sql'), { recursive: true });
  const file = join(folder, 'refresh.policy.yaml');
  await writeFile(file, text);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return ['--policy', file];
}

/** The first column of what a query answers. */
export async function column(database: TestDatabase, sql: string): Promise<unknown[]> {
  return await as('postgres', database, async (session) =>
    (await session.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0]),
  );
}
