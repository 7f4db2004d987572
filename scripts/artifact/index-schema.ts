import * as z from 'zod';
import type { Catalog } from '../model/catalog.ts';
import type { MaskedColumn, PolicyPlan } from '../model/plan.ts';
import type { OwnershipFacts } from '../postgres/identity.ts';

/** A frame with SQL or rows. Offsets and lengths in bytes of the clear file, `bytes` when decompressed. */
const frameSchema = z.object({
  offset: z.number().int().nonnegative(),
  length: z.number().int().positive(),
  bytes: z.number().int().nonnegative(),
  /** Of the compressed bytes. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Bytes before and after the rows: the COPY statement and the line that ends it. */
  head: z.number().int().nonnegative(),
  tail: z.number().int().nonnegative(),
});

const pieceSchema = z.object({
  kind: z.enum(['definitions', 'rows', 'large-objects', 'archive']),
  /** Rows: oid of the table in production; large objects: the first oid of the batch; else 0. */
  oid: z.number().int().nonnegative(),
  frame: frameSchema,
});

const settingSchema = z.object({ role: z.string(), setting: z.string(), value: z.string() });

/** What the last frame says about all others, and what a restore needs that SQL alone does not say. */
export const indexSchema = z.object({
  format: z.number().int(),
  runId: z.string(),
  /** When production's snapshot was taken, at the latest. */
  madeAt: z.iso.datetime(),
  production: z.object({
    database: z.string(),
    /** See artifact/database-id.ts. Older files don't say. */
    id: z.string().optional(),
    version: z.string(),
    versionNumber: z.number().int(),
  }),
  content: z.enum(['copied', 'full']),
  /** CREATE DATABASE's options. */
  locale: z.string(),
  settings: z.array(settingSchema),
  userSchemas: z.array(z.string()),
  searchPath: z.string(),
  catalog: z.custom<Catalog>(isObject),
  tables: z.array(
    z.object({
      oid: z.number().int(),
      rows: z.number().int(),
      where: z.string().nullable(),
      masked: z.array(z.custom<MaskedColumn>(isObject)).optional(),
    }),
  ),
  /** What tells policies apart, see policy/rows-fingerprint.ts; null for none. Older files don't say. */
  policy: z.string().nullable().optional(),
  /** The order in which materialized views are filled, by oid. */
  views: z.array(z.number().int()),
  /** The lists of the schema archive: lines of pg_restore’s own. */
  archive: z.object({
    preData: z.array(z.string()),
    postData: z.array(z.string()),
    leftOut: z.array(z.object({ object: z.string(), reason: z.string() })),
  }),
  ownership: z.custom<OwnershipFacts>(isObject),
  counted: z.array(z.object({ from: z.string(), rows: z.number().int(), condition: z.string().nullable() })),
  /** Tables whose rows are staging's own, and keys that wait for them. */
  preserved: z.custom<Pick<PolicyPlan, 'preserved' | 'laterKeys'>>(isObject),
  constraints: z.array(z.tuple([z.string(), z.boolean()])),
  pieces: z.array(pieceSchema),
});

export type Frame = z.infer<typeof frameSchema>;
export type Piece = z.infer<typeof pieceSchema>;
export type ArtifactIndex = z.infer<typeof indexSchema>;

/** What the engine itself has written, hashed and read back: its shape is not proved again. */
function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
