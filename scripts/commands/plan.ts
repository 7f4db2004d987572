import { Command } from 'commander';
import { defaultPolicyFile } from '../contract.ts';
import type { RefreshConfig } from '../model/config.ts';
import { asRefreshError } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';
import type { Log } from '../model/run.ts';
import { type RunFlags, readConfig, stallHelp } from '../stages/config.ts';
import { requireInPlace } from '../stages/in-place/rights.ts';
import { formatPlanMarkdown, formatPlanTable, planLines } from '../stages/plan/table.ts';
import { plan } from '../stages/plan.ts';
import { inspect } from '../stages/preflight.ts';
import { listTables, withSnapshot } from '../stages/snapshot.ts';
import { TrustedSources } from '../stages/trusted-sources.ts';
import { formatBytes, openLog } from '../system/log.ts';
import { reasonOf, withRun } from './run-scope.ts';

/** `refresh plan`: everything up to the first byte written, on stdout; nothing is changed anywhere. */
export function planCommand(): Command {
  return new Command('plan')
    .description('what a run would copy, mask and leave out; writes nothing anywhere')
    .option('--policy <file>', `data policy (default: ${defaultPolicyFile} if there is one)`)
    .option('--jobs <n>', 'as for run: decides which tables are split')
    .option('--owner <role>', 'as for run: checked with the other rights')
    .option('--lock-wait <seconds>', 'how long to wait for a lock on a table (default: 10)')
    .option(
      '--strategy <strategy>',
      'swap: build beside staging and rename; in-place: in staging itself, in one transaction (default: swap)',
    )
    .option('--allow-shrink', 'plan although production has no tables')
    .option('--open-trusted-sources <clusters>', 'as for run: let this machine in, for the time of the plan')
    .option('--runner-address <address>', 'as for run')
    .option('--stall-seconds <n>', stallHelp)
    .option('--json', 'print the plan in JSON')
    .option('--markdown', 'print the plan as a Markdown table, for a pull request')
    .addHelpText('after', '\nExample:\n  . .local/env && npx --no refresh plan')
    .action(async (flags: RunFlags & { json?: boolean; markdown?: boolean }) => {
      const planned = await planRefresh(readConfig(flags, process.env), openLog(process.stderr));
      process.stdout.write(`${format(planned, flags)}\n`);
    });
}

async function planRefresh(config: RefreshConfig, log: Log): Promise<Plan> {
  return await withRun(config, log, async (run) => {
    const trustedSources = new TrustedSources(run);
    try {
      await trustedSources.open();
      const { servers } = await inspect(run);
      if (config.strategy === 'in-place') await requireInPlace(run, servers);
      return await withSnapshot(run, await listTables(run), (snapshot) => plan(run, snapshot));
    } catch (cause) {
      throw asRefreshError(reasonOf(run, cause));
    } finally {
      await trustedSources.close();
    }
  });
}

function format(planned: Plan, { json, markdown }: { json?: boolean; markdown?: boolean }): string {
  const lines = planLines(planned);
  const leftOut = planned.policy?.exclusion.leftOut ?? [];
  if (json) return JSON.stringify({ version: 1, bytes: planned.bytes, tables: lines, leftOut }, null, 2);
  if (markdown) return formatPlanMarkdown(lines);
  return [
    formatPlanTable(lines),
    '',
    ...leftOut.map(({ object, reason }) => `left out: ${object}: ${reason}`),
    `${lines.length} tables, ${formatBytes(planned.bytes)} to copy. Nothing was changed.`,
  ].join('\n');
}
