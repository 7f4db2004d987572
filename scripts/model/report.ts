import * as z from 'zod';

/** Of the files that describe a run: raised when a reader of older ones would misunderstand. */
export const reportVersion = 1;

const serverSchema = z.object({
  host: z.string(),
  port: z.number().int(),
  database: z.string(),
  serverVersion: z.string().describe('server_version, for example 17.6'),
});

const loadedTableSchema = z.object({
  schema: z.string(),
  name: z.string(),
  treatment: z.enum(['copy', 'schema-only', 'exclude', 'preserve']),
  partitionOf: z.string().optional().describe('of a partition: the table at the root, with its schema'),
  rows: z.number().int().describe('rows that staging took'),
  masked: z
    .array(z.object({ column: z.string(), mask: z.string() }))
    .optional()
    .describe('columns whose clear values never left production'),
  rowsLeftOut: z.number().int().optional().describe('rows that the policy leaves out'),
  preserved: z.number().int().optional().describe('rows carried over from the staging before'),
  bytes: z.number().int().describe('bytes of COPY data'),
  seconds: z.number().describe('time of its COPY statements, summed over the parts'),
});

const workSchema = z.object({
  workers: z.number().int().describe('pairs of connections that copied and built'),
  sourceBytes: z.number().int().describe('size of the copied tables in production'),
  tasks: z.array(
    z.object({
      worker: z.number().int().describe('counted from 0'),
      name: z.string().describe('what was done to which table or index'),
      begun: z.number().describe('seconds since the run began'),
      seconds: z.number(),
      failed: z.literal(true).optional().describe('it ended in the middle of its work'),
    }),
  ),
});

const errorSchema = z.object({
  code: z.string(),
  message: z.string(),
  object: z.string().optional(),
  hint: z.string().optional(),
});

const publishedSchema = z.object({
  database: z.string(),
  previous: z.string().nullable().describe('database that a rollback brings back'),
  lockedOutSeconds: z.number().describe('longest time in which nobody could connect'),
});

const managedBackupSchema = z.object({
  cluster: z.string(),
  createdAt: z.string(),
  sizeGigabytes: z.number(),
  count: z.number().int().describe('how many backups DigitalOcean keeps'),
});

const artifactSchema = z.object({
  path: z.string(),
  bytes: z.number().int(),
  sha256: z.string().describe('of the file as it lies there'),
  encrypted: z.boolean(),
});

const restoredSchema = z.object({
  file: z.string(),
  madeAt: z
    .string()
    .nullable()
    .describe('when production’s rows were read; null where the file does not say'),
  format: z.enum(['artifact', 'script']).describe('script: a plain dump by pg_dump, loaded serially'),
});

const common = {
  version: z.literal(reportVersion),
  runId: z.string(),
  outcome: z.enum(['published', 'failed']),
  exitCode: z.number().int(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  seconds: z.number(),
  strategy: z.enum(['swap', 'in-place', 'fork']),
  production: serverSchema,
  staging: serverSchema,
  published: publishedSchema.nullable(),
  // These two came later: a stack's state may hold a summary from before, and has to be read.
  artifact: artifactSchema.nullish(),
  stagingBackup: artifactSchema.nullish().describe('staging as it was before, with --backup-staging'),
  restored: restoredSchema
    .optional()
    .describe('of `refresh restore`: the file that the rows came from; `production` has its path as host'),
  managedBackup: managedBackupSchema
    .nullish()
    .describe('DigitalOcean’s latest own backup of production; null where its API was not asked'),
  warnings: z.array(z.string()),
  error: errorSchema.optional(),
};

/** `refresh-report.json`: what one run did. No credential, no value of any row. */
export const reportSchema = z.object({
  ...common,
  phases: z.array(
    z.object({
      name: z.string(),
      seconds: z.number(),
      begun: z.number().optional().describe('seconds since the run began'),
    }),
  ),
  work: workSchema
    .optional()
    .describe('which worker did what when, as far as the copy came; absent where it did not begin'),
  tables: z.array(loadedTableSchema),
  leftOut: z.array(z.object({ object: z.string(), reason: z.string() })),
  verification: z
    .object({
      method: z.enum(['counts', 'checksums']),
      tables: z.number().int(),
      rows: z.number().int(),
      sequences: z.number().int(),
      constraints: z.number().int(),
      schemaEntries: z.number().int(),
    })
    .nullable(),
});

/** What `--summary` prints on stdout: bounded whatever the number of tables, with the path of the whole report. */
export const summarySchema = z.object({
  ...common,
  tables: z.number().int(),
  rows: z.number().int(),
  bytes: z.number().int(),
  policy: z
    .object({
      maskedColumns: z.number().int(),
      withoutRows: z.number().int().describe('tables that have their rows left out'),
      rowsLeftOut: z.number().int(),
      rowsPreserved: z.number().int(),
    })
    .optional(),
  reportFile: z.string(),
});

/** The report's JSON Schema, for readers that aren't ours: docs/report.schema.json. It allows keys that come later. */
export function reportJsonSchema(): object {
  const schema = z.toJSONSchema(reportSchema, { io: 'input' });
  return { ...schema, title: 'staging-refresh report' };
}

export type Report = z.infer<typeof reportSchema>;
export type Summary = z.infer<typeof summarySchema>;
export type LoadedTable = z.infer<typeof loadedTableSchema>;
export type Work = z.infer<typeof workSchema>;
export type Published = z.infer<typeof publishedSchema>;
export type RestoredFile = z.infer<typeof restoredSchema>;
export type ManagedBackup = z.infer<typeof managedBackupSchema>;
export type WrittenArtifact = z.infer<typeof artifactSchema>;
export type Verification = NonNullable<Report['verification']>;
