import { rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { keptReportFiles, readReportFile } from '../artifact/kept-reports.ts';
import { defaultArtifactFolder, defaultReportFile } from '../contract.ts';
import { RefreshError } from '../model/errors.ts';
import { readAccount } from './account.ts';
import { destroyStack } from './applier.ts';
import { bringUp } from './bring-up.ts';
import { type CommandContext, heed, runCommand } from './command.ts';
import { describeContent, readProductionContent } from './production-content.ts';
import { configFile } from './pulumi-apply.ts';
import { openServer } from './server.ts';
import { projectFolder, type StateFolder } from './state-folder.ts';
import { tearDown } from './tear-down.ts';

await runCommand(async (context) => {
  const { folder, say, signal } = context;
  if (await isWhole(context)) {
    await takeStackDown(context).catch((error: unknown) => {
      heed(signal);
      // Everything that the stack made is on this machine and goes below in any case.
      if (error instanceof RefreshError && error.code === 'copy-differs') throw error;
      say(
        `the stack could not be taken down in order: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
  } else {
    say('there is no whole local stack here: removing what there is');
  }
  const files = await localFiles(folder);
  say('stopping the local servers and APIs, and deleting their files');
  await tearDown(folder, say);
  for (const file of [configFile, ...files]) await rm(file, { force: true });
  // Goes only when nothing else is in it.
  await rmdir(join(projectFolder, defaultArtifactFolder)).catch(() => undefined);
  say('done: no process, port or file of the local stack is left');
});

async function takeStackDown(context: CommandContext): Promise<void> {
  const stack = await bringUp(context);
  const before = await readProductionContent(stack.production);
  context.say(`production before: ${describeContent(before)}`);
  await destroyStack({ ...context, stack });
  heed(context.signal);
  const after = await readProductionContent(stack.production);
  context.say(`production after:  ${describeContent(after)}`);
  if (after.hash === before.hash) {
    context.say('staging is gone; production answers, unchanged');
    return;
  }
  throw new RefreshError('copy-differs', 'production changed while the stack was taken down', {
    object: `localhost:${stack.production.port}/shop`,
    hint: 'something else wrote to it meanwhile? run npm run destroy again; its servers are still there',
  });
}

/** Backup files, reports and the last one's page, but never what a refresh between real servers made. */
async function localFiles(folder: StateFolder): Promise<readonly string[]> {
  const account = await readAccount(folder).catch(() => undefined);
  const last = account?.report ?? join(projectFolder, defaultReportFile);
  const artifacts = join(projectFolder, defaultArtifactFolder);
  const kept = await keptReportFiles(artifacts);
  const ours: string[] = [];
  for (const file of [last, ...kept]) {
    const report = await readReportFile(file);
    if (report?.production.host !== 'localhost') continue;
    ours.push(file, file.replace(/\.json$/, '.html'));
    // The account knows those of `npm run refresh`, not those of a run that somebody has started by hand.
    for (const made of [report.artifact, report.stagingBackup])
      if (made) ours.push(join(artifacts, basename(made.path)));
  }
  return [...(account?.artifacts ?? []), ...ours];
}

/** Whether the first start came as far as applying the stack, and its production is still there. */
async function isWhole({ folder }: CommandContext): Promise<boolean> {
  const account = await readAccount(folder).catch(() => undefined);
  if (!account?.applier || !account.production) return false;
  return (await openServer(folder.production).catch(() => undefined)) !== undefined;
}
