/**
 * Names of the databases that a refresh makes beside the live one. `app` is built as `app__next_<run>` and what it
 * replaces becomes `app__previous_<time>`. A comment marks both as ours: a name alone is never enough to drop one.
 */
export type BesideKind = 'next' | 'previous';

export interface Beside {
  readonly kind: BesideKind;
  /** The live database's name. */
  readonly of: string;
  readonly run: string;
}

export interface Marker extends Beside {
  /** ISO time of the run. */
  readonly at: string;
  /** The comment that the database had before ours: given back by a rollback. */
  readonly comment: string | null;
  /** Of a previous one: a later refresh that happened in place, so that this is not what was there before that. */
  readonly overtaken?: Overtaken;
}

export interface Overtaken {
  readonly run: string;
  /** ISO time of that run. */
  readonly at: string;
  /** Name of the file that has staging as it was before; null where none was made. */
  readonly artifact: string | null;
}

/** Databases that a server has for itself, DigitalOcean's own among them: nothing is ever made or changed in one. */
export const serversOwn: readonly string[] = ['_dodb', 'template0', 'template1'];

/** NAMEDATALEN - 1 bytes (manual, 4.1.1). */
const nameBytes = 63;
const markerPrefix = 'staging-refresh ';

/** `20261122T193000_1a2b`: sorts by time; the tail keeps two runs of one second apart. */
export function makeRunId(now: Date, random: string): string {
  return `${now.toISOString().replace(/[-:]/g, '').slice(0, 15)}_${random}`;
}

/** The database's name beside `live`; a long name gives way, since the marker holds it whole. */
export function besideName(live: string, kind: BesideKind, run: string): string {
  const suffix = `__${kind}_${run.toLowerCase()}`;
  return cut(live, nameBytes - Buffer.byteLength(suffix)) + suffix;
}

/** Whether a name has the form that `besideName` gives. */
export function looksBeside(live: string, name: string): boolean {
  const match = /^(.*)__(next|previous)_\d{8}t\d{6}_[0-9a-f]{4}$/s.exec(name);
  const stem = match?.[1];
  return (
    stem !== undefined &&
    (stem === live || (live.startsWith(stem) && Buffer.byteLength(name) >= nameBytes - 3))
  );
}

export function formatMarker(marker: Marker): string {
  return markerPrefix + JSON.stringify(marker);
}

/** The marker in a database's comment; undefined when the comment is somebody else's. */
export function parseMarker(comment: string | null): Marker | undefined {
  if (!comment?.startsWith(markerPrefix)) return undefined;
  try {
    return readMarker(JSON.parse(comment.slice(markerPrefix.length)) as Partial<Marker>);
  } catch {
    return undefined;
  }
}

/** Whoever owns a database may have written it: what is not as we write it is no mark. */
function readMarker({ kind, of, run, at, comment = null, overtaken }: Partial<Marker>): Marker | undefined {
  if (kind !== 'next' && kind !== 'previous') return undefined;
  if (typeof of !== 'string' || typeof run !== 'string' || typeof at !== 'string') return undefined;
  if (comment !== null && typeof comment !== 'string') return undefined;
  if (!overtaken) return { kind, of, run, at, comment };
  const { run: later, at: then, artifact } = overtaken;
  if (typeof later !== 'string' || typeof then !== 'string') return undefined;
  if (artifact !== null && typeof artifact !== 'string') return undefined;
  return { kind, of, run, at, comment, overtaken: { run: later, at: then, artifact } };
}

/** At most `bytes` of UTF-8, never through the middle of a character. */
function cut(text: string, bytes: number): string {
  let result = '';
  let length = 0;
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    result += character;
  }
  return result;
}
