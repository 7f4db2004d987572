import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Document, projectFolder, readDocuments } from './document.ts';

/**
 * Who runs each command that a page shows in a shell block. A test is named by its file, with words of it that would be
 * gone if it no longer did; what takes an account, an hour or a compiler was run as written, against the local stack
 * and the emulated APIs.
 */
const runners: readonly (readonly [command: RegExp, who: Runner])[] = [
  [/^npm ci$/, aTest('.ci/run', 'npm ci')],
  [/^npm test$/, aTest('.ci/run', 'npm test')],
  [/^npm (start|run (refresh|destroy))$/, aTest('tests/local/apply.test.ts', 'npm start')],
  [/^\. \.local\/env$/, aTest('tests/local/apply-project.ts', '. ./.local/env')],
  [/^psql "\$STAGING_DB_URL"$/, aTest('tests/local/apply.test.ts', 'psql "$STAGING_DB_URL"')],
  [/^npx --no refresh plan( --policy \S+)?$/, aTest('tests/commands/plan.test.ts', "'plan'")],
  [
    /^npx --no refresh restore \S+ --strategy in-place$/,
    aTest('tests/engine/in-place/restored.test.ts', "'restore', file, ...inPlace"),
  ],
  [
    /^npx --no refresh (plan|run) --strategy in-place/,
    aTest('tests/engine/in-place/way-back.test.ts', 'in-place'),
  ],
  [
    /^npx --no refresh run( --policy \S+| --owner app)?$/,
    aTest('tests/engine/policy-sample.test.ts', 'expectRun'),
  ],
  [/^npx --no refresh history$/, aTest('tests/commands/history.test.ts', "'history'")],
  [/^npx --no refresh rollback( --list)?$/, aTest('tests/commands/rollback.test.ts', "'--list'")],
  [/^npx --no refresh doctor( --help)?$/, aTest('tests/commands/doctor.test.ts', 'doctor(')],
  [/^npx --no refresh (verify|restore) \S+$/, aTest('tests/commands/restore.test.ts', "'verify'")],
  [
    /^npx --no refresh policy (suggest|check|schema)\b/,
    aTest('tests/policy/policy-command.test.ts', "'suggest'"),
  ],
  [/completion (bash|fish)\b/, aTest('tests/commands/completion.test.ts', "'bash'")],
  [/^zstd -dc \S+ \| psql -X -v ON_ERROR_STOP=1/, aTest('tests/engine/artifact-by-hand.test.ts', 'zstd -dc')],
  [/^npm run test:faults/, aTest('tests/faults/campaign.test.ts', 'killFaults')],
  [/^npm run bench -- --help$/, aTest('tests/docs/documents.test.ts', 'scripts/bench/copy.ts')],
  [/^pulumi preview --policy-pack/, aTest('tests/lifecycle/rails.ts', "commandsOf('docs/outputs.md'")],
  [
    /^(pulumi (up|preview|stack init|stack output|config)\b|psql "\$\(pulumi stack output|rm refresh\.policy\.yaml)/,
    aTest('tests/lifecycle/first-team.ts', "'docs/real-accounts.md'"),
  ],
  [/^pulumi (cancel|refresh)\b/, aTest('tests/lifecycle/half-finished.ts', "commandsOf('docs/runbook.md'")],
  [
    /^(cat > adopt\.json|rm adopt\.json|pulumi import|pulumi state delete)/,
    aTest('tests/lifecycle/adoption.ts', 'docs/adopt.md'),
  ],
  [/^npm run (bench|test:load|test:soak)/, 'by hand'],
  [/^node -e 'process\.stdin/, 'by hand'],
  [/^(git clone|cd staging-refresh|pg_dump --version)/, 'by hand'],
  [/PG_REGRESS=|^make -C src|^cd postgresql-|^\.\/configure/, 'by hand'],
  [/^cat >> my\.policy\.yaml/, 'by hand'],
];

/** No command: a name or a value for the ones that follow. */
const setting = /^(alias \w+=|export \w+=|\w+=)/;

type Runner = 'by hand' | { readonly file: string; readonly words: string };

function aTest(file: string, words: string): Runner {
  return { file, words };
}

test('each command that a page shows is run by a test, or was run as it is written', () => {
  const unused = new Set(runners.map(([command]) => command));
  for (const document of readDocuments()) {
    for (const line of commandLines(document)) {
      const found = runners.find(([command]) => command.test(line));
      assert.ok(
        found,
        `${document.path}: who runs ${line}? Run it as it is written, then say so in this file`,
      );
      unused.delete(found[0]);
    }
  }
  assert.deepEqual([...unused], [], 'no page shows these any more');
});

test('a test that is said to run a command still does', () => {
  for (const [command, who] of runners) {
    if (who === 'by hand') continue;
    const text = readFileSync(join(projectFolder, who.file), 'utf8');
    assert.ok(text.includes(who.words), `${who.file} no longer has ${who.words}, which ran ${command}`);
  }
});

/** Lines of the page's shell blocks, one command each: without comments, settings and what is fed to a command. */
function commandLines({ fences }: Document): string[] {
  return fences
    .filter(({ language }) => ['sh', 'bash', 'console', 'shell'].includes(language))
    .flatMap(({ text }) =>
      text
        .replaceAll(/\\\n\s*/g, ' ')
        .replaceAll(/(<<'?(\w+)'?)\n[\s\S]*?^\2$/gm, '$1')
        .split('\n'),
    )
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .flatMap((line) => (/[<|]\s|PG_REGRESS/.test(line) ? [line] : line.split(' && ')))
    .filter((line) => line !== '' && !setting.test(line));
}
