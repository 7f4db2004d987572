import { inflateRawSync } from 'node:zlib';
import { RefreshError } from '../model/errors.ts';

const endOfDirectory = 0x06054b50;
const directoryEntry = 0x02014b50;
/** The end of the directory has 22 bytes and a comment of at most 65,535. */
const longestEnd = 22 + 65_535;
/** Reports are small; what claims to be larger is none. */
const largestFile = 64 * 1024 * 1024;

/**
 * One file of a zip archive as GitHub makes them of artifacts (PKWARE's APPNOTE, stored or deflated, no ZIP64).
 *
 * @throws RefreshError `bad-file` for what is no such archive.
 */
export function readZipEntry(zip: Buffer, name: string): Buffer | undefined {
  try {
    return findEntry(zip, name);
  } catch (cause) {
    if (cause instanceof RefreshError) throw cause;
    throw broken('it ends in the middle', cause);
  }
}

function findEntry(zip: Buffer, name: string): Buffer | undefined {
  const end = endOf(zip);
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== directoryEntry) throw broken('its directory is damaged');
    const length = zip.readUInt16LE(at + 28);
    if (zip.toString('utf8', at + 46, at + 46 + length) === name) return contentOf(zip, at);
    at += 46 + length + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return undefined;
}

function endOf(zip: Buffer): number {
  for (let at = zip.length - 22; at >= Math.max(0, zip.length - longestEnd); at--) {
    if (zip.readUInt32LE(at) === endOfDirectory) return at;
  }
  throw broken('it has no directory');
}

function contentOf(zip: Buffer, entry: number): Buffer {
  const method = zip.readUInt16LE(entry + 10);
  const packed = zip.readUInt32LE(entry + 20);
  const local = zip.readUInt32LE(entry + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const bytes = zip.subarray(start, start + packed);
  if (bytes.length !== packed) throw broken('it ends in the middle');
  if (method === 0) return bytes;
  if (method === 8) return inflateRawSync(bytes, { maxOutputLength: largestFile });
  throw broken(`it is packed by method ${method}`);
}

function broken(why: string, cause?: unknown): RefreshError {
  return new RefreshError('bad-file', `the artifact is no zip file that can be read: ${why}`, {
    hint: 'download it from the run’s page on GitHub',
    cause,
  });
}
