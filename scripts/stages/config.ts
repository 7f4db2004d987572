import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { defaultPolicyFile, defaultReportFile, environmentName, noPolicy } from '../contract.ts';
import type { RefreshConfig, RestoreConfig, StagingConfig } from '../model/config.ts';
import { RefreshError } from '../model/errors.ts';
import { issueWords } from '../model/issue-words.ts';
import type { Policy } from '../model/policy.ts';
import { Secret } from '../model/secret.ts';
import type { ServerAddress } from '../model/server-address.ts';
import { readPolicyFile } from '../policy/policy-file.ts';
import { readAddress } from './config/address.ts';
import { readArtifact, stagingBackup } from './config/artifact.ts';
import { refuseShortKey } from './config/mask-key.ts';
import { readService, type ServiceConfig, type ServiceFlags } from './config/service.ts';

export const policyDefault = `(default: ${defaultPolicyFile} if there is one; ${noPolicy}: there is none)`;
export const stallHelp = 'ask a server that is silent for so long whether it still works (default: 60)';

/** Flags of every command that changes staging. */
export interface StagingFlags {
  readonly jobs?: string;
  readonly keepPrevious?: string;
  readonly owner?: string;
  readonly report?: string;
  readonly stallSeconds?: string;
}

/** Flags of `restore`. */
export interface RestoreFlags extends StagingFlags, ServiceFlags {
  readonly strategy?: string;
  readonly backupStaging?: boolean;
  readonly policy?: string;
  /** A folder; false for --no-artifact, which `run` has. */
  readonly artifact?: string | boolean;
  readonly recipient?: string;
  readonly lockWait?: string;
}

/** Flags of `run` as commander hands them over: text where a value was given. */
export interface RunFlags extends RestoreFlags {
  readonly verify?: string;
  /** False for --no-analyze. */
  readonly analyze?: boolean;
  readonly allowShrink?: boolean;
  readonly artifactContent?: string;
  readonly keepArtifacts?: string;
  readonly keepArtifactsDays?: string;
  readonly rehearse?: boolean;
  readonly maxXminAgeSeconds?: string;
  readonly maxReplayLagSeconds?: string;
  readonly maxBlockingSeconds?: string;
}

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'has to be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `has to be from ${least} to ${most}`);

const flagSchema = z.object({
  jobs: wholeNumber(1, 64).optional(),
  keepPrevious: wholeNumber(0, 100).optional(),
  owner: z.string().min(1).optional(),
  report: z.string().min(1).optional(),
  policy: z.string().min(1).optional(),
  strategy: z.enum(['swap', 'in-place']).optional(),
  backupStaging: z.boolean().optional(),
  verify: z.enum(['counts', 'checksums']).optional(),
  analyze: z.boolean().optional(),
  allowShrink: z.boolean().optional(),
  artifact: z.union([z.string().min(1), z.boolean()]).optional(),
  artifactContent: z.enum(['copied', 'full']).optional(),
  recipient: z.string().startsWith('age1', 'has to be an age recipient: age1…').optional(),
  keepArtifacts: wholeNumber(1, 10_000).optional(),
  keepArtifactsDays: wholeNumber(1, 10_000).optional(),
  rehearse: z.boolean().optional(),
  lockWait: wholeNumber(1, 3600).optional(),
  stallSeconds: wholeNumber(1, 86_400).optional(),
  maxXminAgeSeconds: wholeNumber(1, 604_800).optional(),
  maxReplayLagSeconds: wholeNumber(1, 604_800).optional(),
  maxBlockingSeconds: wholeNumber(1, 604_800).optional(),
});

/**
 * Reads flags and environment, the only place that does. Everything that is wrong is reported at once.
 *
 * @throws RefreshError `bad-flag`, `bad-environment` or `bad-url`; nothing has been touched.
 */
export function readConfig(
  flags: RunFlags,
  environment: Readonly<Record<string, string | undefined>>,
): RefreshConfig {
  const problems: RefreshError[] = [];
  const given = readFlags(flags, problems);
  const production = readAddress(
    environmentName.productionUrl,
    environmentName.productionCa,
    environment,
    problems,
  );
  const staging = readAddress(environmentName.stagingUrl, environmentName.stagingCa, environment, problems);
  const service = readService(flags, environment, problems);
  const policy = readPolicy(flags.policy, problems);
  refuseShortKey(environment, problems);
  const artifact = given && readArtifact(given, environment, problems);
  if (!given || !production || !staging || problems.length > 0) throw together(problems);
  return { ...refreshConfig(given, staging, service, policy, environment), production, artifact };
}

/**
 * The same for `restore`, of which production is no part, but everything else is.
 *
 * @throws RefreshError `bad-flag`, `bad-environment`, `bad-url` or `bad-policy`; nothing has been touched.
 */
export function readRestoreConfig(
  flags: RestoreFlags,
  environment: Readonly<Record<string, string | undefined>>,
): RestoreConfig {
  const problems: RefreshError[] = [];
  const given = readFlags(flags, problems);
  const staging = readAddress(environmentName.stagingUrl, environmentName.stagingCa, environment, problems);
  const service = readService(flags, environment, problems);
  if (service.trustedSources.sides.includes('production')) {
    problems.push(
      new RefreshError('bad-flag', 'nothing of production is read', {
        object: '--open-trusted-sources',
        hint: 'staging is the only cluster that a restore needs',
      }),
    );
  }
  const policy = readPolicy(flags.policy, problems);
  refuseShortKey(environment, problems);
  if (!given || !staging || problems.length > 0) throw together(problems);
  return refreshConfig(given, staging, service, policy, environment);
}

function refreshConfig(
  given: Given,
  staging: ServerAddress,
  service: ServiceConfig,
  policy: Policy | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): RestoreConfig {
  const maskKey = environment[environmentName.maskKey];
  const strategy = given.strategy ?? 'swap';
  return {
    ...stagingConfig(given, staging, environment),
    ...service,
    policy,
    copiesAll: given.policy === noPolicy,
    maskKey: maskKey ? new Secret(maskKey) : undefined,
    strategy,
    // In place there is one connection to write through.
    ...(strategy === 'in-place' ? { jobs: 1 } : {}),
    backupStaging: given.backupStaging ? stagingBackup(given) : undefined,
    verify: given.verify ?? 'counts',
    allowShrink: given.allowShrink ?? false,
    lockWaitSeconds: given.lockWait ?? 10,
    artifact: undefined,
    brakes: {
      xminAgeSeconds: given.maxXminAgeSeconds,
      replayLagSeconds: given.maxReplayLagSeconds,
      blockingSeconds: given.maxBlockingSeconds ?? 10,
    },
  };
}

/**
 * The same for commands of which production is no part.
 *
 * @throws RefreshError `bad-flag`, `bad-environment` or `bad-url`; nothing has been touched.
 */
export function readStagingConfig(
  flags: StagingFlags,
  environment: Readonly<Record<string, string | undefined>>,
): StagingConfig {
  const problems: RefreshError[] = [];
  const given = readFlags(flags, problems);
  const staging = readAddress(environmentName.stagingUrl, environmentName.stagingCa, environment, problems);
  if (!given || !staging) throw together(problems);
  return stagingConfig(given, staging, environment);
}

type Given = z.infer<typeof flagSchema>;

/** `keepPrevious` as it is on the command line, for errors: `--keep-previous`. */
function spelling(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function readFlags(flags: RunFlags, problems: RefreshError[]): Given | undefined {
  const parsed = flagSchema.safeParse(flags, { reportInput: true });
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const name = spelling(String(issue.path[0]));
    problems.push(
      new RefreshError('bad-flag', issueWords(issue), {
        object: name,
        hint: '--help behind the command explains it',
      }),
    );
  }
  return undefined;
}

function stagingConfig(
  given: Given,
  staging: ServerAddress,
  environment: Readonly<Record<string, string | undefined>>,
): StagingConfig {
  return {
    staging,
    jobs: given.jobs ?? Math.max(2, availableParallelism()),
    keepPrevious: given.keepPrevious ?? 1,
    owner: given.owner,
    analyze: given.analyze ?? true,
    reportFile: given.report ?? defaultReportFile,
    stallSeconds: given.stallSeconds ?? 60,
    environment,
  };
}

/** The file that was named, or the one that lies here under the usual name; or none, where that was said. */
function readPolicy(named: string | undefined, problems: RefreshError[]): Policy | undefined {
  const file = named ?? (existsSync(defaultPolicyFile) ? defaultPolicyFile : undefined);
  if (!file || file === noPolicy) return undefined;
  try {
    return readPolicyFile(file);
  } catch (error) {
    if (!(error instanceof RefreshError)) throw error;
    problems.push(error);
    return undefined;
  }
}

function together(problems: readonly RefreshError[]): RefreshError {
  const [first, ...others] = problems;
  if (first && others.length === 0) return first;
  return new RefreshError(
    first?.code ?? 'bad-environment',
    problems.map((problem) => `${problem.object}: ${problem.message}`).join('; '),
    { hint: [...new Set(problems.map((problem) => problem.hint))].join('; ') },
  );
}
