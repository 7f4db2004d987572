import * as z from 'zod';

/** Only what is used: a cluster's answer also holds passwords, and what is not read cannot leak. */
const connectionSchema = z.object({ host: z.string().optional(), port: z.number().optional() });

const clusterSchema = z.object({
  id: z.string(),
  name: z.string(),
  engine: z.string(),
  version: z.string().optional(),
  semantic_version: z.string().optional(),
  num_nodes: z.number().optional(),
  size: z.string().optional(),
  region: z.string().optional(),
  status: z.string().optional(),
  storage_size_mib: z.number().nullish(),
  connection: connectionSchema.nullish(),
  private_connection: connectionSchema.nullish(),
});

const backupSchema = z.object({
  created_at: z.string(),
  size_gigabytes: z.number(),
  incremental: z.boolean().nullish(),
});

/** Whatever else a rule holds goes back with the list as it came. */
export const ruleSchema = z.looseObject({
  uuid: z.string().optional(),
  type: z.string(),
  value: z.string(),
  description: z.string().optional(),
  created_at: z.string().optional(),
});

export const clusterAnswer = z.object({ database: clusterSchema });
export const clustersAnswer = z.object({
  databases: z.array(clusterSchema).nullish(),
  links: z.object({ pages: z.object({ next: z.string().optional() }).nullish() }).nullish(),
});
export const databasesAnswer = z.object({ dbs: z.array(z.object({ name: z.string() })).nullish() });
export const backupsAnswer = z.object({ backups: z.array(backupSchema).nullish() });
export const firewallAnswer = z.object({ rules: z.array(ruleSchema).nullish() });
/** Names alone: the answer holds passwords. */
export const usersAnswer = z.object({ users: z.array(z.object({ name: z.string() })).nullish() });
export const eventsAnswer = z.object({
  events: z.array(z.object({ id: z.string().optional(), event_type: z.string().optional() })).nullish(),
});

export type Cluster = z.infer<typeof clusterSchema>;
export type Backup = z.infer<typeof backupSchema>;
export type Rule = z.infer<typeof ruleSchema>;

/** The disk of one node, base amount included; undefined where it is not told. */
export function diskBytes({ storage_size_mib: mebibytes }: Cluster): number | undefined {
  return mebibytes ? mebibytes * 1024 * 1024 : undefined;
}
