import * as z from 'zod';
import { defaultPolicyFile, defaultSchedule } from '../scripts/contract.ts';
import { connectionUrlProblem } from './connection-url.ts';
import { runFlagsSchema } from './run-flags.ts';
import { scheduleProblem } from './schedule.ts';
import { settingReason } from './setting-reason.ts';
import { type TrustedSourceRule, trustedSourceProblem, trustedSourcesLimit } from './trusted-source-rule.ts';

const clusterName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'must be 3 to 63 lower-case letters, digits and hyphens');
const databaseName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/, 'must be 1 to 63 letters, digits, _ and -');
const majorVersion = 'must be a major version such as "17"';

const ownCluster = z.strictObject({
  name: clusterName.optional(),
  size: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'must be a slug such as db-s-1vcpu-2gb')
    .optional(),
  region: z
    .string()
    .regex(/^[a-z]{3}\d$/, 'must be a slug such as fra1')
    .optional(),
  nodeCount: z.int().min(1).max(3).optional(),
  // YAML reads an unquoted 17 as a number.
  version: z
    .union([z.string(), z.int()], majorVersion)
    .transform(String)
    .pipe(z.string().regex(/^\d{2}$/, majorVersion))
    .optional(),
  database: databaseName.optional(),
  user: databaseName.optional(),
});

const notWithAdopt = z
  .undefined('must be left out with adopt: an adopted cluster stays what it is')
  .optional();

const adoptedCluster = z.strictObject({
  adopt: z.string().min(1, 'must be the name or the id of an existing cluster'),
  database: databaseName.optional(),
  user: databaseName.optional(),
  name: notWithAdopt,
  size: notWithAdopt,
  region: notWithAdopt,
  nodeCount: notWithAdopt,
  version: notWithAdopt,
});

const sourceShape = 'must be an object such as {type: ip_addr, value: 203.0.113.7}';

const trustedSource = z
  .strictObject(
    {
      type: z.enum(['ip_addr', 'droplet', 'k8s', 'tag', 'app']),
      // A droplet's id reads as a number in YAML.
      value: z
        .union([z.string(), z.int()], {
          error: ({ input }) => (input === undefined ? 'is missing' : 'must be text or a whole number'),
        })
        .transform(String),
    },
    { error: ({ code }) => (code === 'invalid_type' ? sourceShape : undefined) },
  )
  .check((context) => {
    const message = trustedSourceProblem(context.value);
    if (message) context.issues.push({ code: 'custom', path: ['value'], message, input: context.value });
  });

const token = z
  .string()
  .regex(/^\S{8,}$/, 'must be one word of at least 8 characters')
  .optional();

/**
 * Every key of the namespace `staging-refresh`, with the shape of a plain value. Pulumi.yaml declares the same keys
 * and defaults for the CLI; a test holds the two together. Reasons for secrets never quote the value.
 */
export const settingSchemas = {
  productionCluster: clusterName,
  productionDatabaseUrl: z.string().check((context) => {
    const message = connectionUrlProblem(context.value);
    if (message) context.issues.push({ code: 'custom', message, input: '' });
  }),
  stagingCluster: z.record(z.string(), z.unknown()).prefault({}).transform(asCluster),
  trustedSources: z
    .array(trustedSource)
    .max(trustedSourcesLimit, `holds more than the ${trustedSourcesLimit} sources that DigitalOcean allows`)
    .default([])
    .check((context) => {
      for (const index of repeated(context.value)) {
        context.issues.push({ code: 'custom', path: [index], message: 'is there twice', input: '' });
      }
    }),
  openToAll: z.boolean().default(false),
  repository: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[\w.-]{1,100}$/, 'must read OWNER/NAME'),
  branch: z.string().optional(),
  environment: z.string().max(255).optional(),
  schedule: z
    .string()
    .default(defaultSchedule)
    .check((context) => {
      const message = scheduleProblem(context.value);
      if (message) context.issues.push({ code: 'custom', message, input: context.value });
    }),
  timeoutMinutes: z
    .int()
    .min(1)
    .max(360, 'must be at most 360: GitHub ends a job after six hours')
    .default(60),
  artifactRetentionDays: z.int().min(1).max(90, 'must be at most 90').default(30),
  policy: z
    .string()
    .regex(
      /^(?!\/)(?!.*\.\.)[\w./-]+\.ya?ml$|^none$/,
      'must be the relative path of a .yaml file inside the project, or none',
    )
    .default(defaultPolicyFile),
  strategy: z.enum(['swap', 'in-place', 'fork']).default('swap'),
  digitalOceanToken: token,
  githubToken: token,
  maskKey: z.string().min(16, 'must have at least 16 characters').optional(),
  artifactIdentity: z
    .string()
    .regex(/^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/, 'must be an age identity: AGE-SECRET-KEY-1…')
    .optional(),
  workflowDigitalOceanToken: token,
  openProductionTrustedSources: z.boolean().default(false),
  runnerAddress: z
    .union(
      [z.ipv4(), z.string().regex(/^https:\/\/[^\s/]+/)],
      'must be an IPv4 address, or an https:// address that answers with it',
    )
    .optional(),
  refreshTrigger: z.string().default(''),
  refreshIn: z.enum(['here', 'github']).default('here'),
  artifactRecipient: z
    .string()
    .regex(/^age1[02-9ac-hj-np-z]{58}$/, 'must be an age public key: age1…, as age-keygen prints it')
    .optional(),
  notifyUrl: z
    .string()
    .regex(/^https:\/\/[^\s/]+|^http:\/\/(localhost|127\.0\.0\.1)[:/]/, 'must be an https:// address')
    .optional(),
  notifyFormat: z.enum(['slack', 'json']).default('slack'),
  notifyStart: z.boolean().default(false),
  runFlags: runFlagsSchema.default({}),
  mailUrl: z
    .string()
    .regex(/^smtps?:\/\/\S+[?&]to=\S+/, 'must read smtps://USER:PASSWORD@HOST/?from=ADDRESS&to=ADDRESS')
    .optional(),
  holdUntil: z
    .string()
    .regex(
      /^20\d\d-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/,
      'must be a date such as 2026-12-24, or a time such as 2026-12-24T12:00Z',
    )
    .refine((text) => !/^20\d\d-/.test(text) || isTime(text), 'is no day of any calendar')
    .optional(),
  alertAfterDays: z.int().min(0).max(365).default(8),
  dispatchEvent: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'must be at most 100 letters, digits, . _ and -')
    .optional(),
} as const;

export type SettingKey = keyof typeof settingSchemas;
export type SettingValues = { readonly [Key in SettingKey]: z.output<(typeof settingSchemas)[Key]> };

/** Keys whose values must be stored encrypted. */
export const secretSettings = [
  'productionDatabaseUrl',
  'digitalOceanToken',
  'workflowDigitalOceanToken',
  'githubToken',
  'maskKey',
  'artifactIdentity',
  'notifyUrl',
  'mailUrl',
] as const satisfies readonly SettingKey[];

/** `adopt` tells the two shapes apart, so that a typo is reported against the shape that was meant. */
function asCluster(
  raw: Record<string, unknown>,
  context: z.core.$RefinementCtx,
): z.output<typeof adoptedCluster> | z.output<typeof ownCluster> {
  const words = { error: settingReason };
  const result = 'adopt' in raw ? adoptedCluster.safeParse(raw, words) : ownCluster.safeParse(raw, words);
  if (result.success) return result.data;
  for (const issue of result.error.issues)
    context.issues.push({ ...issue, input: raw } as z.core.$ZodRawIssue);
  return z.NEVER;
}

/** `2026-02-30` is a day for Date, two days later; GitHub's `date` refuses it. */
function isTime(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.slice(0, 10));
}

function repeated(sources: readonly TrustedSourceRule[]): number[] {
  const seen = sources.map((source) => `${source.type} ${source.value}`);
  return seen.flatMap((source, index) => (seen.indexOf(source) < index ? [index] : []));
}
