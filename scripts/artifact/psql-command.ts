import { RefreshError } from '../model/errors.ts';

/**
 * The length of one of psql's own commands that only takes commands away.
 *
 * @throws RefreshError `bad-file` for any other, and in the middle of a statement.
 */
export function commandLength(text: string, inStatement: boolean, path: string): number {
  const harmless = /^\\(?:un)?restrict [A-Za-z0-9]+\r?(?:\n|$)/.exec(text)?.[0];
  if (harmless && !inStatement) return harmless.length;
  const command = /^\\\S*/.exec(text)?.[0] ?? '\\';
  throw new RefreshError('bad-file', `it holds ${command.slice(0, 40)}, a command of psql’s`, {
    object: path,
    hint: 'such a command could run programs here or lead to another database: dump without --create, or take it out if you know what it does',
  });
}
