import type { Socket } from 'node:net';
import type { ReadAhead } from './lent-connection.ts';
import { done, message, ProgramMessages, serveProgram, text, transactionBegun } from './program-socket.ts';
import type { Session } from './session.ts';

/**
 * Lets pg_dump talk to nobody, to learn what it asks: of a database that is empty, everything that it asks of any one
 * before it knows what is there. It asks one thing after the other, and each takes a round trip.
 *
 * @param greeting the real server's: what is asked depends on its version.
 * @param work starts the program with this environment; how it ends does not matter.
 * @param known answers of the real server's, where there are any: then what is asked is what follows from them.
 */
export async function listQuestions(
  folder: string,
  greeting: Buffer,
  work: (environment: Readonly<Record<string, string>>) => Promise<unknown>,
  known: (statement: string) => readonly Buffer[] | undefined = () => undefined,
): Promise<readonly string[]> {
  const questions: string[] = [];
  const onProgram = (program: Socket) => {
    new ProgramMessages(program, greeting, (statement) => {
      const begun = transactionBegun(statement);
      const told = begun ? [begun] : known(statement);
      if (!told) questions.push(statement);
      for (const part of told ?? [answer(statement)]) program.write(part);
    });
  };
  await serveProgram(folder, { user: 'nobody', database: 'nobody' }, onProgram, (environment) =>
    work(environment).catch(() => undefined),
  );
  return questions;
}

/** Of a database in which nothing is; a program goes no further where it needs to be told something. */
function answer(statement: string): Buffer {
  if (!/^(select|with|execute)\b/i.test(statement)) return done('SET');
  const told = Object.entries(facts).find(([name]) => statement.includes(name))?.[1];
  const noFields = Buffer.alloc(2);
  if (told === undefined) return done('SELECT 0', message('T', noFields));
  const field = Buffer.concat([Buffer.from([0, 1]), text('told'), Buffer.alloc(18)]);
  field.writeUInt32BE(25, field.length - 12);
  field.writeInt16BE(-1, field.length - 8);
  field.writeInt32BE(-1, field.length - 6);
  const value = Buffer.from(told, 'utf8');
  const row = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, value.length]), value]);
  return done('SELECT 1', message('T', field), message('D', row));
}

const facts: Readonly<Record<string, string>> = {
  set_config: '',
  pg_is_in_recovery: 'f',
  current_schemas: '{}',
};

/** Objects of one kind, which a program asks about in the same words. */
export interface Kind {
  readonly oids: readonly string[];
}

/** Every object that a program may ask about by itself, by its kind. */
export function listKinds(session: Session): Promise<Kind[]> {
  return session.rows<Kind>(kindsQuery);
}

/** What is asked of one object will be asked of all others of its kind: gives these, the first time. */
export function askOfOthers(kinds: readonly Kind[]): ReadAhead['next'] {
  const known = new Set<string>();
  return (asked) => {
    const found = [...asked.matchAll(/'(\d+)'/g)];
    const [oid, other] = new Set(found.map((match) => match[1] ?? ''));
    if (oid === undefined || other !== undefined) return [];
    const kind = kinds.findIndex(({ oids }) => oids.includes(oid));
    const words = `${kind} ${asked.replaceAll(`'${oid}'`, "''")}`;
    if (kind < 0 || known.has(words)) return [];
    known.add(words);
    const others = kinds[kind]?.oids.filter((one) => one !== oid) ?? [];
    return others.map((one) => asked.replaceAll(`'${oid}'`, `'${one}'`));
  };
}

const kindsQuery = `
  with object (catalog, oid, kind) as (
    select 'pg_class'::regclass, oid, relkind::text || relispartition::text from pg_catalog.pg_class
     where relkind in ('S', 'v', 'm', 'r', 'p')
    union all
    select 'pg_proc'::regclass, oid, (prokind = 'a')::text from pg_catalog.pg_proc
    union all
    select 'pg_type'::regclass, oid, typtype::text from pg_catalog.pg_type
     where typtype in ('d', 'e', 'r') or typtype = 'c' and (select relkind = 'c' from pg_catalog.pg_class where oid = typrelid)
    union all
    select 'pg_rewrite'::regclass, oid, '' from pg_catalog.pg_rewrite where rulename <> '_RETURN'
    union all
    select 'pg_statistic_ext'::regclass, oid, '' from pg_catalog.pg_statistic_ext
  )
  select array_agg(oid::text) as oids from object
   where oid >= 16384
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = object.catalog and d.objid = object.oid and d.deptype = 'e')
   group by catalog, kind`;
