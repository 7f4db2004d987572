/** What a data policy says, read and checked by policy/policy-file.ts; it knows nothing of a database yet. */
export interface Policy {
  /** As it was named: for errors. */
  readonly file: string;
  /** Folder of the file, in which its SQL files lie. */
  readonly folder: string;
  /** What becomes of a table or column that the policy doesn't name. */
  readonly unlisted: 'copy' | 'fail';
  readonly tables: readonly TableRule[];
  /** null where nothing is said of them. */
  readonly largeObjects: 'copy' | 'exclude' | null;
  readonly beforePublish: BeforePublish;
}

export type Treatment = 'copy' | 'schema-only' | 'exclude' | 'preserve';

/** What is to become of the tables that one pattern names. */
export interface TableRule {
  /** `schema.table`, in which `*` stands for any characters. */
  readonly pattern: string;
  /** `FILE:LINE`, for errors. */
  readonly at: string;
  readonly treatment: Treatment;
  /** SQL condition on production's rows. */
  readonly where: string | null;
  /** SQL condition on staging's rows: those are carried over. */
  readonly preserve: string | null;
  readonly masks: ReadonlyMap<string, MaskRule>;
  /** Columns, with `*` for any characters, that were looked at and are copied as they are. */
  readonly keep: readonly string[];
  /** What becomes of a row whose key refers to a row that is left out, by the name of the foreign key. */
  readonly foreignKeys: ReadonlyMap<string, 'leave-out' | 'set-null'>;
  /** Keys that only the application knows. */
  readonly references: readonly VirtualReference[];
}

export interface VirtualReference {
  readonly columns: readonly string[];
  /** `schema.table`. */
  readonly to: string;
  readonly key: readonly string[];
  /** What becomes of a row that refers to a row that is left out; default: it is left out, too. */
  readonly action?: 'leave-out' | 'set-null' | undefined;
}

export interface MaskRule {
  /** Name of a mask in policy/masks.ts. */
  readonly mask: string;
  /** What stands after the mask's name, checked by the mask's own schema. */
  readonly options: unknown;
  /** SQL condition: where it is false the value stays. */
  readonly when: string | null;
}

export interface BeforePublish {
  /** Paths relative to the policy's folder. */
  readonly sql: readonly string[];
  readonly command: string | null;
  /** What takes longer is ended. */
  readonly commandMinutes: number;
  /** Queries that have to give one row with one true. */
  readonly check: readonly string[];
}
