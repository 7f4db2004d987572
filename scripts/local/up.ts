import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Report } from '../model/report.ts';
import { readAccount, saveAccount } from './account.ts';
import { applyStack } from './applier.ts';
import type { CommandContext } from './command.ts';
import { writeEnvironment } from './environment.ts';
import type { LocalStack } from './local-stack.ts';
import { findStaging } from './staging-access.ts';
import { projectFolder } from './state-folder.ts';
import { reportFile, summarise } from './summary.ts';

/** Applies the program to what runs, and tells what came of it. */
export async function up(context: CommandContext, stack: LocalStack): Promise<void> {
  try {
    const applied = await applyStack({ ...context, stack });
    await rememberFiles(stack, reportFile(applied.outputs));
    for (const line of summarise(stack, applied, await findStaging(stack))) context.say(line);
  } finally {
    // Also after a failure: a shell at staging is what one wants then.
    await writeEnvironment(stack, await findStaging(stack));
  }
}

/** For destroy, which leaves no file behind. */
async function rememberFiles({ folder }: LocalStack, file: string | undefined): Promise<void> {
  const account = await readAccount(folder);
  if (!account || !file) return;
  const report = resolve(projectFolder, file);
  // Somebody may have removed it since the refresh.
  const text = await readFile(report, 'utf8').catch(() => '{}');
  const { artifact }: Partial<Report> = JSON.parse(text);
  const artifacts = new Set(account.artifacts);
  if (artifact) artifacts.add(resolve(projectFolder, artifact.path));
  await saveAccount(folder, { ...account, report, artifacts: [...artifacts] });
}
