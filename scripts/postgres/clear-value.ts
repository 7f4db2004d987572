import { RefreshError } from '../model/errors.ts';
import { literal } from '../model/table.ts';

/** No parameter is called so; behind it stands a column's name and the parenthesis that ends it. */
const parameter = 'refresh.clear_value_of(';

/**
 * A text expression that fails when a row comes to it: what the server says then names the column and holds no value.
 * current_setting() is stable, so the planner doesn't ask for it ahead of the rows, as it would for a failing cast.
 */
export function refuseClearValue(column: string): string {
  return `pg_catalog.current_setting(${literal(`${parameter}${column})`)})`;
}

/** What that failure means; undefined for any other error. @param object the table. */
export function clearValueRefused(
  message: string,
  sqlState: string,
  object: string,
): RefreshError | undefined {
  const begin = sqlState === '42704' ? message.indexOf(parameter) : -1;
  if (begin === -1) return undefined;
  const column = message.slice(begin + parameter.length, message.lastIndexOf(')'));
  // Without a cause: the server's words would only name our expression.
  return maskFailed('its mask leaves a value as it is, which was not sent', object, column);
}

/** @param column null where it is not known. */
export function maskFailed(message: string, table: string, column: string | null): RefreshError {
  return new RefreshError('mask-failed', message, {
    object: column === null ? table : `${table}.${column}`,
    hint: 'nothing was published; give the column another mask, and report it with the policy’s line for it',
  });
}
