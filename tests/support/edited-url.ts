export type Side = 'PRODUCTION_DB_URL' | 'STAGING_DB_URL';

/** The same environment with another part of one URL. */
export function edited(
  environment: Record<string, string>,
  side: Side,
  parts: Partial<URL>,
): Record<string, string> {
  const url = new URL(environment[side] ?? '');
  Object.assign(url, parts);
  return { ...environment, [side]: url.href };
}
