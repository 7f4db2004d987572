import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { Finding } from '../../scripts/stages/doctor/finding.ts';
import { entryOf } from '../support/entry.ts';
import type { Scenario } from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';

/** What `refresh doctor --json` said. */
export interface Diagnosis {
  readonly code: number | null;
  readonly text: string;
  of(id: string): Finding;
}

/** Runs the real entry in an empty folder; every finding is checked for what all of them must have. */
export async function doctor(
  environment: Record<string, string>,
  flags: readonly string[] = [],
): Promise<Diagnosis> {
  const { code, stdout, stderr } = await doctorInWords(environment, ['--json', ...flags]);
  assert.equal(stderr, '');
  for (const url of [environment.PRODUCTION_DB_URL, environment.STAGING_DB_URL]) {
    const password = URL.canParse(url ?? '') ? new URL(url ?? '').password : '';
    if (password) assert.ok(!stdout.includes(password), 'a password is in the findings');
  }
  const { checks } = JSON.parse(stdout) as { checks: Finding[] };
  const problems = checks.flatMap(({ problem }) => problem ?? []);
  assert.deepEqual(
    problems,
    [1, 2, 3, 4, 5, 6, 7, 8],
    'every problem of the documented workflow is looked at',
  );
  for (const { id, status, repair } of checks) {
    if (status === 'failed') assert.ok(repair, `${id} failed, and nobody knows what to do`);
  }
  return {
    code,
    text: stdout,
    of(id) {
      const found = checks.find((check) => check.id === id);
      assert(found, `no check ${id}`);
      return found;
    },
  };
}

/** The environment with one of its URLs changed. */
export function edited(
  scenario: Pick<Scenario, 'environment'>,
  name: string,
  edit: (url: URL) => void,
): Record<string, string> {
  const url = new URL(String(scenario.environment[name]));
  edit(url);
  return { ...scenario.environment, [name]: url.href };
}

export async function doctorInWords(
  environment: Record<string, string>,
  flags: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const cwd = await testFolder();
  const entry = entryOf('doctor');
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [entry.file, 'doctor', ...flags],
      { env: { ...entry.environment, ...environment }, cwd },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
