/** What `fetch` failed of, in words: it hides what happened in the cause of its own "fetch failed". */
export function connectionBroke(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  return `the connection broke${code ? ` (${code})` : ''}`;
}
