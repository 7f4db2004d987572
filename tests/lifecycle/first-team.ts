import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../docs/document.ts';
import { servers } from '../support/servers.ts';
import { commandsOf } from './page.ts';
import type { PulumiStack } from './stack.ts';
import { clusterNames, real, type Step, secretNames } from './story.ts';

/** docs/real-accounts.md from "The stack" on, its commands as they are written there. */
export const firstTeam: readonly Step[] = [
  {
    title: 'the page’s commands configure a stack beside the example, suggest a policy, and preview',
    needs: 'the real provider',
    async run(stack) {
      const { folder } = stack.world;
      await copyFile(join(projectFolder, 'Pulumi.prod.yaml'), join(folder, 'Pulumi.prod.yaml'));
      await copyFile((await servers()).production.caFile, join(folder, 'production-ca.crt'));
      const [init = '', configure = '', policy = ''] = commandsOf('docs/real-accounts.md', '4. The stack');
      await shell(real(stack), init);
      await shell(real(stack), configure.replace('YOUR-ORGANISATION/YOUR-REPOSITORY', 'local/shop'));
      const { output } = await shell(real(stack), policy);
      assert.match(output, /refresh\.policy\.yaml/);
    },
  },
  {
    title: 'its doctor, preview and up: the first refresh, and one more on request',
    needs: 'the real provider',
    async run(stack) {
      const page = 'docs/real-accounts.md';
      const [first = '', look = '', again = ''] = commandsOf(page, '5. The first refresh');
      // Exported before, in the same terminal. Staging doesn't exist yet: the page says that the doctor fails.
      const [, , policy = ''] = commandsOf(page, '4. The stack');
      const exported = policy.split('\n').filter((line) => line.startsWith('export '));
      const examined = first.replace(/^npx --no refresh doctor /m, '$&|| true ');
      const { output } = await shell(real(stack), [...exported, examined].join('\n'));
      assert.match(output, /✔/);
      assert.deepEqual(await clusterNames(stack), ['shop-production', 'shop-staging']);
      assert.match((await shell(real(stack), look)).output, /public \| sales/);
      const told = await shell(real(stack), commandsOf('docs/outputs.md', 'Outputs').join(''));
      assert.match(told.output, /"outcome": "published"[\s\S]*public \| sales/);
      assert.match((await shell(real(stack), again)).output, /refresh-run/);
    },
  },
  {
    title: 'its rotation of tokens refreshes nothing; from copies to forks; destroy takes the stack down',
    needs: 'the real provider',
    async run(stack) {
      const page = 'docs/real-accounts.md';
      const [rotate = ''] = commandsOf(page, 'Rotating tokens, every 90 days');
      assert.doesNotMatch((await shell(real(stack), rotate)).output, /refresh-run \S*(creat|replac)/);
      const [toForks = ''] = commandsOf(page, '8. With forks');
      const { output } = await shell(real(stack), toForks);
      assert.match(output, /refresh-[0-9a-f]{8}-run created/);
      const [, staging = '', ...others] = await clusterNames(stack);
      assert.match(staging, /^shop-staging-[0-9a-f]{8}$/);
      assert.deepEqual(others, []);
      await shell(real(stack), 'pulumi destroy\n');
      assert.deepEqual(await clusterNames(stack), ['shop-production']);
      assert.deepEqual(await secretNames(stack), []);
    },
  },
];

/** The script in the project's folder; what `pulumi config set --secret` asks a person for, it gets. */
async function shell(stack: PulumiStack, script: string): Promise<{ output: string }> {
  const answers: Record<string, string> = stack.world.secrets();
  const answered = script.replaceAll(
    /^pulumi config set --secret staging-refresh:(\w+)/gm,
    (line, key: string) => {
      return `printf %s '${answers[key] ?? assert.fail(key)}' | ${line}`;
    },
  );
  const outcome = await stack.shell(answered);
  assert.ok(outcome.succeeded, outcome.output);
  return outcome;
}
