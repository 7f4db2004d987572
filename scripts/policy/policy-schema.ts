import * as z from 'zod';
import { maskSchema } from './masks.ts';

const condition = z.string().trim().min(1);

const referenceSchema = z.strictObject({
  columns: z.array(z.string()).min(1).describe('columns of this table'),
  to: z.string().describe('schema.table that they refer to'),
  key: z.array(z.string()).min(1).describe('its columns, in the same order'),
  action: z
    .enum(['leave-out', 'set-null'])
    .optional()
    .describe('what becomes of rows that refer to a row that is left out; default leave-out'),
});

export const tableSchema = z.strictObject({
  treatment: z
    .enum(['copy', 'schema-only', 'exclude', 'preserve'])
    .optional()
    .describe(
      'copy (default): production’s rows. schema-only: the table without rows. exclude: no table, and nothing that depends on it. preserve: staging keeps its own rows',
    ),
  where: condition
    .optional()
    .describe('SQL condition on production’s rows; rows that refer to others are left out too'),
  preserve: condition
    .optional()
    .describe(
      'SQL condition on staging’s rows; these are carried over, and win over production’s with the same primary key',
    ),
  mask: z.record(z.string(), maskSchema).optional().describe('masks, by column'),
  keep: z
    .array(z.string().refine((name) => !/^\**$/.test(name), 'a * alone would let every new column through'))
    .optional()
    .describe('columns that were looked at and are copied as they are; * stands for any characters'),
  'foreign-keys': z
    .record(z.string(), z.enum(['leave-out', 'set-null']))
    .optional()
    .describe(
      'what becomes of rows whose key refers to a row that is left out, by foreign key; default leave-out',
    ),
  references: z.array(referenceSchema).optional().describe('keys that only the application knows'),
});

export const beforePublishSchema = z.strictObject({
  sql: z
    .array(z.string())
    .optional()
    .describe('SQL files, relative to the policy’s folder, run one after the other'),
  command: condition
    .optional()
    .describe('command of your own, such as migrations; DATABASE_URL is the new database'),
  'command-minutes': z
    .number()
    .positive()
    .max(1440)
    .optional()
    .describe('how long it may take before it is ended and nothing is published; default 30'),
  check: z.array(condition).optional().describe('queries that have to give one true'),
});

/** The policy file: the source of its JSON Schema, of its types and of its errors. */
export const policySchema = z.strictObject({
  version: z.literal(1),
  unlisted: z
    .enum(['copy', 'fail'])
    .optional()
    .describe('what becomes of tables and columns that the policy doesn’t name; default copy'),
  tables: z
    .record(z.string(), tableSchema)
    .optional()
    .describe('by schema.table; * stands for any characters, and the most specific pattern wins'),
  'large-objects': z
    .enum(['copy', 'exclude'])
    .optional()
    .describe(
      'all large objects, or none: which table they belong to is not known; default copy, with a warning',
    ),
  'before-publish': beforePublishSchema.optional().describe('run in the new database, in this order'),
});

export type PolicyDocument = z.infer<typeof policySchema>;

/** JSON Schema of the policy file, for editors. */
export function policyJsonSchema(): object {
  const schema = z.toJSONSchema(policySchema, { io: 'input', reused: 'ref' });
  return { ...schema, title: 'staging-refresh data policy' };
}
