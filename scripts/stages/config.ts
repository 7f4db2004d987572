import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { defaultReportFile, environmentName } from '../contract.ts';
import type { RefreshConfig } from '../model/config.ts';
import { RefreshError } from '../model/errors.ts';
import { parseConnectionUrl, type ServerAddress } from '../model/server-address.ts';

/** Flags of `run` as commander hands them over: text where a value was given. */
export interface RunFlags {
  readonly jobs?: string;
  readonly keepPrevious?: string;
  readonly owner?: string;
  readonly report?: string;
  readonly verify?: string;
  readonly allowShrink?: boolean;
  readonly lockWait?: string;
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
  verify: z.enum(['counts', 'checksums']).optional(),
  allowShrink: z.boolean().optional(),
  lockWait: wholeNumber(1, 3600).optional(),
});

/** The flag's spelling on the command line, for errors. */
const flagName: Readonly<Record<string, string>> = {
  jobs: '--jobs',
  keepPrevious: '--keep-previous',
  owner: '--owner',
  report: '--report',
  verify: '--verify',
  lockWait: '--lock-wait',
};

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
  const parsed = flagSchema.safeParse(flags);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const name = flagName[String(issue.path[0])] ?? String(issue.path[0]);
      problems.push(
        new RefreshError('bad-flag', issue.message, { object: name, hint: 'refresh run --help explains it' }),
      );
    }
  }
  const production = readAddress(
    environmentName.productionUrl,
    environmentName.productionCa,
    environment,
    problems,
  );
  const staging = readAddress(environmentName.stagingUrl, environmentName.stagingCa, environment, problems);
  if (!parsed.success || !production || !staging) throw together(problems);

  const given = parsed.data;
  return {
    production,
    staging,
    productionClusterId: environment[environmentName.productionClusterId] || undefined,
    stagingClusterId: environment[environmentName.stagingClusterId] || undefined,
    jobs: given.jobs ?? Math.max(2, availableParallelism()),
    keepPrevious: given.keepPrevious ?? 1,
    owner: given.owner,
    reportFile: given.report ?? defaultReportFile,
    verify: given.verify ?? 'counts',
    allowShrink: given.allowShrink ?? false,
    lockWaitSeconds: given.lockWait ?? 10,
    environment,
  };
}

function readAddress(
  urlName: string,
  caName: string,
  environment: Readonly<Record<string, string | undefined>>,
  problems: RefreshError[],
): ServerAddress | undefined {
  const url = environment[urlName];
  if (!url) {
    problems.push(
      new RefreshError('bad-environment', 'it is not set', {
        object: urlName,
        hint: 'set it to postgresql://user:password@host:port/database; locally: . .local/env',
      }),
    );
    return undefined;
  }
  try {
    return parseConnectionUrl(url, urlName, environment[caName] || undefined);
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
    { hint: [...new Set(problems.flatMap((problem) => problem.hint ?? []))].join('; ') },
  );
}
