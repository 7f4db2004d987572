/** What is about to come into the live database, as far as it decides whether it can come in one transaction. */
export interface Arrival {
  /** Of the database that it comes from, as `pg_encoding_to_char` says it; null where nobody knows. */
  readonly encoding: string | null;
  /** CREATE DATABASE's options for one that sorts as it does; null where nobody knows. */
  readonly locale: string | null;
  /** Extensions, and the schema that each is in; null where nobody knows. */
  readonly extensions: readonly { readonly name: string; readonly schema: string | null }[];
  /** Tables with FORCE ROW LEVEL SECURITY. */
  readonly forced: readonly string[];
  /** Locks that one transaction holds which makes all of it. */
  readonly locks: number;
}
