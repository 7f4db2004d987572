import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Secret } from '../../scripts/model/secret.ts';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { hmac } from '../../scripts/policy/masks/mask.ts';
import { paddedKey } from '../../scripts/postgres/padded-key.ts';
import { openSession } from '../../scripts/postgres/session.ts';
import { freshDatabase, servers } from '../support/servers.ts';

test('the SQL is HMAC-SHA-256, for keys shorter than, as long as and longer than a block', async () => {
  const { production } = await servers();
  const database = await freshDatabase(production);
  const address = parseConnectionUrl(database.url('app'), 'TEST', readFileSync(production.caFile, 'utf8'));
  for (const key of ['k', 'x'.repeat(64), 'ä'.repeat(70)]) {
    await using session = await openSession(address, {
      side: 'production',
      applicationName: 'test',
      startup: paddedKey(new Secret(key)),
    });
    for (const value of ['', 'a', '漢字 ü', 'long'.repeat(10_000)]) {
      const { hex } = await session.row<{ hex: string }>(
        `select encode(${hmac('use', '$1')}, 'hex') as hex`,
        [value],
      );
      assert.equal(hex, createHmac('sha256', key).update(`use:${value}`).digest('hex'));
    }
  }
});
