import { createHash } from 'node:crypto';
import type { DumpFile } from '../../artifact/dump-file.ts';
import { scanDump } from '../../artifact/dump-scanner.ts';
import { restoreByHand } from '../../artifact/script.ts';
import type { Arrival } from '../../model/arrival.ts';
import { RefreshError } from '../../model/errors.ts';
import type { StagingRun } from '../../model/run.ts';
import { formatBytes } from '../../system/log.ts';
import { Announced } from './announced.ts';
import { judge } from './verdict.ts';

/** What reading a script once has shown. */
export interface ProvedScript {
  readonly file: DumpFile;
  /** Of its decompressed text: what is loaded has to be what was looked at. */
  readonly sha256: string;
  /** Of the server that it was dumped from, as pg_dump's comment says; null where there is none. */
  readonly version: string | null;
  readonly bytes: number;
  /** Roles that own something in it. */
  readonly owners: ReadonlySet<string>;
  /** What its statements make, as far as the live database has to know it first. */
  readonly arrival: Arrival;
}

/**
 * Reads the whole script once before anything is done with it: it has to come to pg_dump's own last line, and to hold
 * nothing that reaches beyond one database. That no row was altered a plain dump can't prove.
 *
 * @throws RefreshError `bad-file`.
 */
export async function proveScript(run: StagingRun, file: DumpFile): Promise<ProvedScript> {
  const hash = createHash('sha256');
  let bytes = 0;
  let read = 0;
  async function* hashed(): AsyncGenerator<Buffer> {
    const told = (length: number) => {
      read += length;
      run.log.progress({ label: file.path, done: read, total: Math.max(read, file.bytes), unit: 'bytes' });
    };
    for await (const chunk of file.read(told)) {
      run.signal.throwIfAborted();
      hash.update(chunk);
      if (bytes === 0 && chunk.includes(0))
        throw badFile(file.path, 'it is no SQL: what it holds, once decompressed, is no text');
      bytes += chunk.length;
      yield chunk;
    }
  }
  const seen = { complete: false, known: false, version: null as string | null };
  const rows = { there: false, taken: false };
  const owners = new Set<string>();
  const announced = new Announced();
  for await (const item of scanDump(hashed(), file.path)) {
    if (item.kind === 'comment') readComment(item.text, seen, file.path);
    if (item.kind !== 'statement') continue;
    const verdict = judge(item, false);
    if (verdict.kind === 'insert' || verdict.kind === 'copy') rows.there = true;
    else rows.taken ||= /^CREATE\s+(?:\w+\s+)?(?:TABLE|EXTENSION)\b/i.test(item.outline);
    if (verdict.kind === 'owner') owners.add(verdict.role);
    if (verdict.kind === 'refuse') throw badFile(file.path, verdict.reason);
    announced.hear(item);
  }
  if (!seen.known)
    throw badFile(file.path, 'it is neither an artifact of this program nor a dump by pg_dump');
  if (!seen.complete)
    throw badFile(file.path, 'pg_dump’s last line is missing: it was cut, or never finished');
  if (rows.there && !rows.taken)
    throw badFile(file.path, 'it holds rows and no tables for them, as pg_dump --data-only writes it');
  const from = seen.version ? `, from PostgreSQL ${seen.version}` : '';
  run.log.info(
    `${file.path}: a plain dump of ${formatBytes(bytes)}${from}; it is loaded serially, one statement after the other`,
  );
  return { file, sha256: hash.digest('hex'), version: seen.version, bytes, owners, arrival: announced };
}

function readComment(
  text: string,
  seen: { complete: boolean; known: boolean; version: string | null },
  path: string,
): void {
  if (text.startsWith(restoreByHand)) {
    throw new RefreshError('bad-file', 'it is the text of an artifact, without the index that proves it', {
      object: path,
      hint: 'restore the file as it was written, or this one by hand, into an empty database, as its first lines say',
    });
  }
  if (/^-- PostgreSQL database dump\s*$/.test(text)) seen.known = true;
  if (/^-- PostgreSQL database dump complete\s*$/.test(text)) seen.complete = true;
  seen.version ??= /^-- Dumped from database version ([\d.]+)/.exec(text)?.[1] ?? null;
}

export function badFile(path: string, message: string): RefreshError {
  return new RefreshError('bad-file', message, {
    object: path,
    hint: 'a plain dump by pg_dump is restored, as it is or compressed by gzip or zstd; nothing was touched',
  });
}
