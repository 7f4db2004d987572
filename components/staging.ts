import type * as pulumi from '@pulumi/pulumi';
import type { Summary } from '../scripts/model/report.ts';

/** What leads the engine to a staging cluster. */
export interface StagingAccess {
  readonly clusterId: pulumi.Output<string>;
  /** The administrator's connection to the app's database. Secret. */
  readonly url: pulumi.Output<string>;
  /** PEM text of the authority that signed the server's certificate. */
  readonly certificate: pulumi.Output<string>;
}

/** Staging's PostgreSQL cluster as the rest of the program sees it, however it was made. */
export interface Staging extends StagingAccess, pulumi.Resource {
  /** What belongs to one cluster alone carries it in its logical name. */
  readonly clusterName: string;
  /** What goes away with the cluster need not be deleted before it. */
  readonly cluster: pulumi.CustomResource;
  readonly host: pulumi.Output<string>;
  readonly database: pulumi.Output<string>;
  /** Role that owns the app's objects; undefined where nobody has named one. */
  readonly owner: pulumi.Output<string | undefined>;
  /** Set where the cluster was made with production's data in it: nothing has to be copied. */
  readonly report?: pulumi.Output<Summary>;
}
