/** One statement, its comments taken out of it. */
export interface Statement {
  readonly text: string;
  /** The same with every string and quoted name emptied: what a statement does is judged by its own words alone. */
  readonly outline: string;
}

/** What a script of pg_dump's consists of, in order. */
export type DumpItem =
  | ({ readonly kind: 'statement' } & Statement)
  /** The text of a line that begins with `--`. */
  | { readonly kind: 'comment'; readonly text: string }
  /** Rows of the COPY statement just before, cut anywhere. */
  | { readonly kind: 'rows'; readonly content: Buffer }
  | { readonly kind: 'rows-end' };
