import { asError, RefreshError } from '../model/errors.ts';

/** What went wrong with the file that is being written: a full disk, or a folder or disk that can't take it. */
export function fileError(path: string, cause: unknown): RefreshError {
  if (cause instanceof RefreshError) return cause;
  const message = asError(cause).message;
  if (/ENOSPC|EDQUOT|EFBIG/.test(message)) {
    return new RefreshError('disk-full', 'there is no room for the artifact', {
      object: path,
      hint: 'make room, or choose another folder with --artifact',
      cause,
    });
  }
  return new RefreshError('artifact-failed', message, {
    object: path,
    hint: 'look at the disk and at the folder’s rights, or choose another one with --artifact',
    cause,
  });
}
