import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { RefreshError } from '../../model/errors.ts';

/** What an emulated API remembers, in memory and in one JSON file that survives its process. */
export interface StateFile<T> {
  readonly value: T;
  /** Writes the whole value: a reader of the file sees the old one or the new one, never a part. */
  save(): void;
}

const version = 1;

/**
 * The state kept in `file`, or `empty()` when there is none yet. The file is readable by its owner alone.
 * Throws `bad-file` when the file holds anything else.
 */
export function openState<T>(file: string, empty: () => T): StateFile<T> {
  const value = read<T>(file) ?? empty();
  return {
    value,
    save() {
      write(file, JSON.stringify({ version, value }));
    },
  };
}

function read<T>(file: string): T | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  const parsed = parse(file, text);
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && 'value' in parsed) {
    if (parsed.version === version) return parsed.value as T;
  }
  throw new RefreshError('bad-file', 'the local stack cannot read its own state', {
    object: file,
    hint: 'it was written by another version: run `npm run destroy`, or delete the folder .local, and start again',
  });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RefreshError('bad-file', 'the local stack cannot read its own state', {
      object: file,
      cause,
      hint: 'make it readable for this user; npm run destroy removes it with the local stack',
    });
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RefreshError('bad-file', 'the state of the local stack is not JSON', {
      object: file,
      hint: 'delete the folder .local and start again',
      cause,
    });
  }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  const descriptor = openSync(temporary, 'w', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}
