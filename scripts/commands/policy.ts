import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { defaultPolicyFile, environmentName } from '../contract.ts';
import type { Table } from '../model/catalog.ts';
import { RefreshError } from '../model/errors.ts';
import { parseConnectionUrl } from '../model/server-address.ts';
import { display } from '../model/table.ts';
import { linesFor } from '../policy/decisions.ts';
import { sampleDocuments } from '../policy/document-shapes.ts';
import { badPolicy, readPolicyFile } from '../policy/policy-file.ts';
import { reviewPolicy } from '../policy/review.ts';
import { readStatisticsShapes, sampleShapes } from '../policy/shapes.ts';
import { suggestPolicy } from '../policy/suggestion.ts';
import { readTableFacts } from '../policy/table-facts.ts';
import { readCatalog } from '../postgres/catalog.ts';
import { openSession, type Session } from '../postgres/session.ts';
import { harmless } from '../system/visible.ts';
import { workflowCommand } from '../system/workflow-command.ts';

/**
 * `refresh policy`: what the data policy says, without a refresh. Production is read, and no row of it. Its `schema` is
 * added by the entry: the engine beside the workflow has no room for it.
 */
export function policyCommand(): Command {
  const policy = new Command('policy')
    .description('the data policy: suggest one, check one')
    .addHelpText('after', '\nExample:\n  . .local/env && npx --no refresh policy check');
  policy
    .command('suggest')
    .description('write a first policy out of production’s names, types and statistics; no row is read')
    .option(
      '--sample',
      'look at some rows of each text and json column, too; production compares them, and no value is sent',
    )
    .option('--output <file>', 'write it there, unless there is one already (default: stdout)')
    .addHelpText(
      'after',
      '\nExample:\n  . .local/env && npx --no refresh policy suggest --output my.policy.yaml',
    )
    .action(suggest);
  policy
    .command('check')
    .description('check a policy against production’s tables; on GitHub, each problem is an annotation')
    .option('--policy <file>', 'the policy', defaultPolicyFile)
    .addHelpText(
      'after',
      '\nExample:\n  . .local/env && npx --no refresh policy check --policy refresh.policy.yaml',
    )
    .action(check);
  return policy;
}

/** Rows of each column that `--sample` looks at. */
const sampledRows = 1000;

async function suggest(flags: { readonly output?: string; readonly sample?: boolean }): Promise<void> {
  const { output } = flags;
  await using session = await openProduction();
  const [catalog, facts] = [await readCatalog(session), await readTableFacts(session)];
  const shapes = [await readStatisticsShapes(session)];
  if (flags.sample) {
    const tables = catalog.tables.filter(
      ({ kind, partitionOf }) => (kind === 'r' || kind === 'p') && partitionOf === null,
    );
    const columnsOf = ({ oid }: Table) => facts.columns.get(oid)?.values() ?? [];
    shapes.push(await sampleShapes(session, tables, columnsOf, sampledRows));
    shapes.push(await sampleDocuments(session, tables, columnsOf, sampledRows));
  }
  const text = suggestPolicy(catalog, facts, shapes);
  if (!output) {
    process.stdout.write(text);
    return;
  }
  try {
    await writeFile(output, text, { flag: 'wx' });
  } catch (cause) {
    throw new RefreshError('bad-flag', 'the file can’t be written, or is there already', {
      object: output,
      hint: 'name another file: what somebody has reviewed is never overwritten',
      cause,
    });
  }
  process.stderr.write(`${output} is written: review each line\n`);
}

async function check({ policy: file }: { readonly policy: string }): Promise<void> {
  const policy = readPolicyFile(file);
  await using session = await openProduction();
  const { problems, undecided, clearCopies } = reviewPolicy(
    policy,
    await readCatalog(session),
    await readTableFacts(session),
  );
  const columns = undecided.map(({ table, column, reason }) => `${display(table)}.${column} ${reason}`);
  for (const problem of [...problems, ...columns]) annotate('error', file, problem);
  for (const warning of clearCopies.warnings) {
    process.stderr.write(`warning: ${harmless(warning)}\n`);
    annotate('warning', file, warning);
  }
  if (undecided.length > 0)
    process.stderr.write(`lines that would decide on them:\ntables:\n${harmless(linesFor(undecided))}\n`);
  if (problems.length + columns.length > 0) throw badPolicy(file, [...problems, ...columns]);
  process.stderr.write(`${file}: nothing to be said against it\n`);
}

/** On GitHub's runners: said at its place in the file, too. */
function annotate(name: 'error' | 'warning', file: string, problem: string): void {
  if (process.env.GITHUB_ACTIONS !== 'true') return;
  const line = /:(\d+):\d+: /.exec(problem)?.[1] ?? '1';
  process.stdout.write(`${workflowCommand(name, problem, { file, line })}\n`);
}

async function openProduction(): Promise<Session> {
  const url = process.env[environmentName.productionUrl];
  if (!url) {
    throw new RefreshError('bad-environment', 'it is not set', {
      object: environmentName.productionUrl,
      hint: 'set it to postgresql://user:password@host:port/database; locally: . .local/env',
    });
  }
  const address = parseConnectionUrl(
    url,
    environmentName.productionUrl,
    process.env[environmentName.productionCa] || undefined,
  );
  return await openSession(address, {
    side: 'production',
    applicationName: 'staging-refresh policy',
    settings: { search_path: '' },
  });
}
