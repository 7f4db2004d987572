import * as z from 'zod';

/**
 * Flags of `refresh run` that no other setting decides, by their own names. A test holds them to the engine's help.
 * `--allow-shrink` is not among them: for good, it would take a guard away.
 */
const flags = {
  jobs: z.int().min(1).max(64),
  'keep-previous': z.int().min(0).max(100),
  'lock-wait': z.int().min(1),
  'stall-seconds': z.int().min(1),
  'max-xmin-age-seconds': z.int().min(1),
  'max-replay-lag-seconds': z.int().min(1),
  'max-blocking-seconds': z.int().min(1),
  verify: z.enum(['counts', 'checksums']),
  'artifact-content': z.enum(['copied', 'full']),
  'keep-artifacts': z.int().min(1),
  'keep-artifacts-days': z.int().min(1),
  'no-artifact': z.boolean(),
  'no-analyze': z.boolean(),
  'backup-staging': z.boolean(),
  rehearse: z.boolean(),
} as const;

export const runFlagNames: readonly string[] = Object.keys(flags);

/** Those that `refresh fork` has, too. */
export const forkFlagNames: readonly string[] = ['jobs', 'stall-seconds'];

export const runFlagsSchema = z.strictObject(flags).partial();

export type RunFlags = Readonly<z.output<typeof runFlagsSchema>>;

/** Words of a command line, in the order of the table above. A switch that is off is none. */
export function runFlagWords(given: RunFlags): string[] {
  return (Object.keys(flags) as (keyof RunFlags)[]).flatMap((name) => {
    const value = given[name];
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
}
