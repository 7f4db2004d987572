import { display, type TableRef } from '../../model/table.ts';
import { userSchema } from '../../postgres/catalog.ts';
import type { Session } from '../../postgres/session.ts';

/** What a refresh in place leaves where it is. */
export interface Standing {
  /** Installed extensions: the owner of a database could not make some of them again. */
  readonly extensions: ReadonlySet<string>;
  /** `public`, and the schemas in which extensions live. */
  readonly schemas: ReadonlySet<string>;
  /** Tables whose rows pg_dump takes although an extension has made them, and we may delete, as `schema.name`. */
  readonly relations: ReadonlySet<string>;
}

export async function readStanding(session: Session): Promise<Standing> {
  const extensions = await session.rows<{ name: string }>(
    'select extname::text as name from pg_catalog.pg_extension',
  );
  const schemas = await session.rows<{ name: string }>(
    `select nspname::text as name from pg_catalog.pg_namespace n where ${standsQuery} and ${userSchema}`,
  );
  const relations = await session.rows<TableRef>(
    `select n.nspname::text as schema, c.relname::text as name
  from pg_catalog.pg_extension e, unnest(e.extconfig) as config (oid)
  join pg_catalog.pg_class c on c.oid = config.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  and pg_catalog.has_table_privilege(c.oid, 'DELETE')`,
  );
  return {
    relations: new Set(relations.map(display)),
    extensions: new Set(extensions.map(({ name }) => name)),
    schemas: new Set(schemas.map(({ name }) => name)),
  };
}

/** Of a pg_namespace `n`: an extension, or a part of one, lives in it, or it is one itself. */
export const standsQuery = `(n.nspname = 'public' or exists (
  select from pg_catalog.pg_depend lives
  where lives.refclassid = 'pg_namespace'::regclass and lives.refobjid = n.oid
  and (lives.classid = 'pg_extension'::regclass or exists (
  select from pg_catalog.pg_depend member
  where member.classid = lives.classid and member.objid = lives.objid and member.deptype = 'e')))
  or exists (select from pg_catalog.pg_depend member
  where member.classid = 'pg_namespace'::regclass and member.objid = n.oid and member.deptype = 'e'))`;

/** pg_dump's script without the extensions and schemas that stay although production has none of that name. */
export function withoutStanding(
  script: string,
  { extensions, schemas }: Omit<Standing, 'relations'>,
): string {
  const [settings = '', ...entries] = script.split(/^--\n-- Name: /m);
  const kept = entries.filter((entry) => {
    const [, name = '', type = ''] = /^(.*); Type: (EXTENSION|SCHEMA); Schema: -;/.exec(entry) ?? [];
    return !(type === 'EXTENSION' ? extensions : schemas).has(name) || type === '';
  });
  return [settings, ...kept].join('--\n-- Name: ');
}
