import { RefreshError } from '../../model/errors.ts';
import { findDependent } from '../../postgres/extension-dependents.ts';
import type { Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';

/**
 * Whether production's extensions can be made in staging, before anything is: one that its server does not offer can't,
 * and one that only a superuser may make depends on the service. Which version comes is staging's own affair, but told.
 *
 * @returns what may be left out, or may stop the run, for people.
 * @throws RefreshError `not-permitted` where something in production needs one that staging's server does not offer.
 */
export async function foreseeExtensions(
  production: Session,
  staging: Session,
  strategy: 'swap' | 'in-place' | 'fork' = 'swap',
): Promise<string[]> {
  const [wanted, offered] = await allDone([
    production.rows<{ name: string; version: string }>(
      'select extname::text as name, extversion as version from pg_catalog.pg_extension order by extname',
    ),
    staging.rows<Offer>(offerQuery, [strategy === 'in-place']),
  ]);
  const offers = new Map(offered.map((offer) => [offer.name, offer]));
  const doubtful = wanted.filter(({ name }) => !offers.get(name)?.ours);
  const judged = await allDone(
    doubtful.map(async ({ name }) => ({ name, dependent: await findDependent(production, name) })),
  );
  const impossible = judged.filter(({ name, dependent }) => dependent && !offers.has(name));
  if (impossible.length > 0) {
    const each = impossible.map(({ name, dependent }) => `${name}, which ${dependent} needs`);
    throw new RefreshError(
      'not-permitted',
      `staging’s server does not offer the extension ${each.join('; ')}`,
      {
        object: 'staging',
        hint: 'choose the same PostgreSQL version and provider for staging',
      },
    );
  }
  const unlike = wanted.flatMap(({ name, version }) => {
    const other = offers.get(name)?.version ?? version;
    return other === version
      ? []
      : `the extension ${name} is ${version} in production and ${other} in staging: what staging lacks is left out, or stops the run`;
  });
  const left = judged.map(({ name, dependent }) => {
    if (!offers.has(name))
      return `the extension ${name}, which nothing in production needs, is left out: staging’s server does not offer it`;
    const then = dependent ? `the run stops, since ${dependent} needs it` : 'it is left out';
    return `only a superuser may create the extension ${name}: unless the service lets staging’s role, ${then}`;
  });
  return [...left, ...unlike];
}

interface Offer {
  readonly name: string;
  /** The one that CREATE EXTENSION makes, or that stays; null where the server's files don't say. */
  readonly version: string | null;
  /** Our role may create it, as far as can be seen, or need not, since it is there today. */
  readonly ours: boolean;
}

/** The setting is pgextwlist's, by which some services say what their administrators may create. */
const offerQuery = `
  select a.name::text as name, coalesce(case when $1::boolean then installed_version end, default_version) as version,
  coalesce(rolsuper or installed_version is not null or not superuser or trusted
  or a.name::text = any (string_to_array(replace(current_setting('extwlist.extensions', true), ' ', ''), ',')), false) as ours
  from pg_catalog.pg_available_extensions a join pg_catalog.pg_roles on rolname = current_user
  left join pg_catalog.pg_available_extension_versions v on v.name = a.name and version = default_version`;
