import type { Extension } from '../model/catalog.ts';
import { asError, RefreshError } from '../model/errors.ts';
import type { LeftOut } from '../model/plan.ts';
import type { StagingRun } from '../model/run.ts';
import { ident } from '../model/table.ts';
import type { Session } from '../postgres/session.ts';
import { allDone } from '../system/all-done.ts';

/**
 * Creates production's extensions in the next database, whose schemas are there already. Which ones a role without
 * superuser rights may create is the provider's secret, so each is tried, before any row is read.
 *
 * @param session in the next database.
 * @param dependentOn something in production that needs an extension; undefined where nothing does.
 * @returns the extensions that could not be created and that nothing in production needs.
 * @throws RefreshError `not-permitted` when something needs one that could not be created.
 */
export async function createExtensions(
  run: StagingRun,
  session: Session,
  dependentOn: (extension: string) => Promise<string | undefined>,
  extensions: readonly Extension[],
): Promise<(LeftOut & { readonly name: string })[]> {
  const leftOut: (LeftOut & { readonly name: string })[] = [];
  const create = ({ name, schema }: Extension) =>
    `create extension if not exists ${ident(name)} with schema ${ident(schema)} cascade`;
  const all = await session.attempt(extensions.map(create).join(';\n')).then(
    () => true,
    () => false,
  );
  if (all) return [];
  for (const extension of extensions) {
    const { name } = extension;
    try {
      await session.attempt(create(extension), `extension ${name}`);
    } catch (error) {
      if (session.lost) throw error;
      const dependent = await dependentOn(name);
      const reason = asError(error).message;
      if (dependent) {
        throw new RefreshError(
          'not-permitted',
          `${dependent} needs the extension ${name}, which cannot be created`,
          {
            object: `staging role ${run.config.staging.user}`,
            hint: 'have the provider enable it for the staging cluster, or drop it from production if nobody uses it',
            cause: error,
          },
        );
      }
      leftOut.push({ name, object: `EXTENSION ${name}`, reason });
    }
  }
  return leftOut;
}

/**
 * What somebody has added to an extension (ALTER EXTENSION … ADD), or another version of it has: no dump tells of a
 * member, and CREATE EXTENSION has not made this one.
 */
export async function readStrangers(production: Session, copied: Session): Promise<LeftOut[]> {
  const [there, here] = await allDone([
    production.rows<Member>(memberQuery),
    copied.rows<Member>(memberQuery),
  ]);
  const made = new Set(here.flatMap(({ extension, object }) => [extension, `${extension} ${object}`]));
  return there
    .filter(({ extension, object }) => made.has(extension) && !made.has(`${extension} ${object}`))
    .map(({ extension, object }) => ({
      object,
      reason: `it belongs to the extension ${extension}, which has none such in staging`,
    }));
}

interface Member {
  readonly extension: string;
  /** Its type and its name. */
  readonly object: string;
}

/** Without what belongs to a member: a table's row type, an array's. */
const memberQuery = `
  select e.extname as extension, upper(i.type) || ' ' || i.identity as object
  from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid,
  pg_catalog.pg_identify_object(d.classid, d.objid, 0) i
  where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
  and not exists (select from pg_catalog.pg_depend own
  where own.classid = d.classid and own.objid = d.objid and own.deptype = 'i')
  order by 2`;
