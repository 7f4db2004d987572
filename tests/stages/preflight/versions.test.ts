import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefreshError } from '../../../scripts/model/errors.ts';
import type { DatabaseFacts } from '../../../scripts/model/servers.ts';
import { requireVersions } from '../../../scripts/stages/preflight.ts';

const server = (version: string) =>
  ({ version, versionNumber: Number.parseInt(version, 10) * 10000 }) as DatabaseFacts;

function verdict(programs: number, production: string, staging: string): string {
  try {
    requireVersions(
      { bindir: '/programs', major: programs, version: `${programs}.1` },
      server(production),
      server(staging),
    );
    return 'ok';
  } catch (error) {
    assert(error instanceof RefreshError);
    return `${error.code}: ${error.message} ${error.hint}`;
  }
}

test('an older staging is refused, and programs that are older than either server: they read the copy, too', () => {
  for (const [programs, production, staging] of [
    [17, '14.23', '14.23'],
    [17, '14.23', '17.10'],
    [18, '17.10', '17.10'],
    [18, '16.14', '18.4'],
  ] as const)
    assert.equal(verdict(programs, production, staging), 'ok');
  assert.match(
    verdict(18, '18.4', '17.10'),
    /^version-unsupported: staging runs PostgreSQL 17.10, older than/,
  );
  assert.match(verdict(17, '18.4', '18.4'), /^tool-too-old: .* 18.4 .*postgresql-client-18/);
  assert.match(verdict(17, '17.10', '18.4'), /^tool-too-old: .* 18.4 .*postgresql-client-18/);
});
