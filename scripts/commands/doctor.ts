import { Command } from 'commander';
import { defaultReportFile, environmentName, exitCode } from '../contract.ts';
import { DigitalOcean } from '../digitalocean/client.ts';
import { openingsFolder } from '../digitalocean/opening.ts';
import { GitHub } from '../github/client.ts';
import type { RefreshConfig } from '../model/config.ts';
import { asRefreshError, RefreshError } from '../model/errors.ts';
import type { Log } from '../model/run.ts';
import { readGitHub } from '../stages/config/github.ts';
import { readApiAccess } from '../stages/config/service.ts';
import { type RunFlags, readConfig } from '../stages/config.ts';
import { clusterChecks } from '../stages/doctor/cluster.ts';
import { connectionChecks } from '../stages/doctor/connection.ts';
import { durationCheck } from '../stages/doctor/duration.ts';
import { type Check, examine, type Finding, ok, verdictOf } from '../stages/doctor/finding.ts';
import { leftoverCheck } from '../stages/doctor/leftovers.ts';
import type { Patient } from '../stages/doctor/patient.ts';
import { reach } from '../stages/doctor/reach.ts';
import { roomCheck } from '../stages/doctor/room.ts';
import { scheduleCheck } from '../stages/doctor/schedule.ts';
import { readFacts } from '../stages/preflight/facts.ts';
import { sweep } from '../stages/trusted-sources/sweep.ts';
import { harmless } from '../system/visible.ts';
import { preflightChecks } from './doctor/preflight-checks.ts';
import { withRun } from './run-scope.ts';
import { readTimeoutMinutes } from './timeout-flag.ts';

interface DoctorFlags {
  readonly policy?: string;
  readonly owner?: string;
  readonly strategy?: string;
  readonly report?: string;
  readonly timeoutMinutes?: string;
  readonly fix?: boolean;
  readonly json?: boolean;
}

const settings = 'settings';

type Environment = Readonly<Record<string, string | undefined>>;

/** `refresh doctor`: every precondition, what was found, and the command or click that repairs it. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('every precondition of a refresh, each with what to do about it; changes nothing')
    .option('--fix', 'remove trusted sources that dead runs have left, and nothing else')
    .option('--policy <file>', 'the data policy that run will get')
    .option('--owner <role>', 'the --owner that run will get')
    .option('--strategy <strategy>', 'the --strategy that run will get: swap or in-place')
    .option('--report <file>', `the last refresh’s report, for the estimate (default: ${defaultReportFile})`)
    .option('--timeout-minutes <n>', 'time limit of the workflow', '60')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      '\nExit code 2 when flags, environment or policy can’t be read, 3 when another check failed; warnings don’t count.\n\nExample:\n  . .local/env && npx --no refresh doctor',
    )
    .action(async (flags: DoctorFlags) => {
      const findings = await diagnose(flags, process.env);
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ version: 1, checks: findings }, null, 2)}\n`
          : harmless(describe(findings)),
      );
      const failed = findings.filter(({ status }) => status === 'failed');
      // What can't be read is told first by every command, and nothing that follows from it is a failed precondition.
      if (failed.some(({ id }) => id === settings)) process.exitCode = exitCode.badInput;
      else if (failed.length > 0) process.exitCode = exitCode.precondition;
    });
}

async function diagnose(flags: DoctorFlags, environment: Environment): Promise<Finding[]> {
  const timeoutMinutes = readTimeoutMinutes(flags.timeoutMinutes);
  const config = readSettings(flags, environment);
  const patient = await admit(environment);
  try {
    const work = (checks: readonly Check[]) => examine([settingsCheck(config), ...checks]);
    const rest = [
      ...clusterChecks(patient),
      roomCheck(patient),
      durationCheck(patient, { reportFile: flags.report ?? defaultReportFile, timeoutMinutes }),
      leftovers(patient, flags),
      scheduleCheck(openGitHub(environment)),
    ];
    const connections = connectionChecks(patient);
    if (config instanceof RefreshError) {
      return inOrder(await work([...connections, ...preflightChecks(patient, undefined), ...rest]));
    }
    return await withRun(config, quiet(), async (run) =>
      inOrder(await work([...connections, ...preflightChecks(patient, run), ...rest])),
    );
  } finally {
    for (const { session } of Object.values(patient.servers)) await session?.close();
  }
}

function readSettings(flags: DoctorFlags, environment: Environment): RefreshConfig | RefreshError {
  const { policy, owner, strategy, report } = flags;
  const given = Object.fromEntries(
    Object.entries({ policy, owner, strategy, report }).filter(([, value]) => value),
  );
  try {
    return readConfig(given as RunFlags, environment);
  } catch (error) {
    return asRefreshError(error);
  }
}

async function admit(environment: Environment): Promise<Patient> {
  const [production, staging] = await Promise.all([
    reach(environment, 'production', readFacts),
    reach(environment, 'staging', readFacts),
  ]);
  return {
    environment,
    servers: { production, staging },
    api: openApi(environment),
    clusterIds: {
      production: environment[environmentName.productionClusterId]?.trim() || undefined,
      staging: environment[environmentName.stagingClusterId]?.trim() || undefined,
    },
  };
}

function openApi(environment: Environment): Patient['api'] {
  try {
    const access = readApiAccess(environment);
    return access && new DigitalOcean(access);
  } catch (error) {
    return asRefreshError(error);
  }
}

function openGitHub(environment: Environment): GitHub | RefreshError | undefined {
  try {
    const found = readGitHub(environment);
    return found && new GitHub(found.access, found.repository);
  } catch (error) {
    return asRefreshError(error);
  }
}

function settingsCheck(config: RefreshConfig | RefreshError): Check {
  return {
    id: settings,
    title: 'Flags, environment and policy',
    examine: () => (config instanceof RefreshError ? verdictOf(config) : ok('they can be read')),
  };
}

function leftovers(patient: Patient, flags: DoctorFlags): Check {
  const folder = openingsFolder(patient.environment);
  return leftoverCheck(patient, {
    folder,
    ...(flags.fix ? { sweep: (api, id) => sweep(api, id, folder, {}) } : {}),
  });
}

/** The documented workflow's eight problems first, by their numbers. */
function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => (a.problem ?? 99) - (b.problem ?? 99));
}

/** What preflight says on its way is part of the findings, where it matters. */
function quiet(): Log {
  const warnings: string[] = [];
  const nothing = () => undefined;
  return { phase: nothing, info: nothing, progress: nothing, warn: (line) => warnings.push(line), warnings };
}

const marks = { ok: '✔', warning: '!', failed: '✖', skipped: '-' } as const;

function describe(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ status, problem, title, found, repair }) => [
    `${marks[status]} ${problem === null ? ' ' : problem} ${title}`,
    ...found.split('\n').map((line) => `      ${line}`),
    ...(repair && status !== 'ok' ? repair.split('\n').map((line) => `    > ${line}`) : []),
  ]);
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length;
  return `${lines.join('\n')}\n\n${count('failed')} failed, ${count('warning')} warnings, ${count('skipped')} skipped, ${count('ok')} ok\n`;
}
