import { createHash } from 'node:crypto';
import type { DumpItem, Statement } from '../../artifact/dump-item.ts';
import { scanDump } from '../../artifact/dump-scanner.ts';
import { RefreshError } from '../../model/errors.ts';
import type { LeftOut } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import { feedCopy } from '../../postgres/copy-feed.ts';
import { refusalOf } from '../../postgres/failure.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { schemaOrExtension } from './announced.ts';
import { nameOf, StatementCarrier } from './carrier.ts';
import { emptyPath, GatheredInserts } from './gathered-inserts.ts';
import type { ProvedScript } from './proof.ts';
import { badFile } from './proof.ts';
import { judge, type Verdict } from './verdict.ts';

/** undefined_table, undefined_object, undefined_function, undefined_column, invalid_schema_name (manual, appendix A). */
const notThere: ReadonlySet<string> = new Set(['42P01', '42704', '42883', '42703', '3F000']);

export interface LoadedScript {
  /** Rows of each COPY's table as it is named there, `"schema"."name"` or without quotes. */
  readonly rows: ReadonlyMap<string, number>;
  readonly bytes: number;
  readonly owners: readonly { readonly statement: string; readonly role: string }[];
  /** GRANT, REVOKE and ALTER DEFAULT PRIVILEGES. */
  readonly privileges: string;
  readonly leftOut: readonly LeftOut[];
}

/** What stands there already and stays. */
interface Standing {
  readonly schemaNames: ReadonlySet<string>;
  readonly extensions: ReadonlySet<string>;
}

/** Carries the script out in the next database, serially. @throws RefreshError of the first statement that fails. */
export async function loadScript(
  run: StagingRun,
  script: ProvedScript,
  superuser: boolean,
  next: { readonly name: string; readonly searchPath: string },
  standing: Standing,
): Promise<LoadedScript> {
  await using session = await openStaging(run, next.name, {
    synchronous_commit: 'off',
    standard_conforming_strings: 'on',
    maintenance_work_mem: '128MB',
  });
  const loader = new Loader(run, script, session, superuser, next.searchPath, standing);
  try {
    return await loader.load();
  } catch (error) {
    // In the middle of a COPY no goodbye is understood.
    session.destroy();
    throw error;
  }
}

class Loader {
  readonly #run: StagingRun;
  readonly #script: ProvedScript;
  readonly #session: Session;
  readonly #carrier: StatementCarrier;
  readonly #inserts: GatheredInserts;
  readonly #superuser: boolean;
  readonly #searchPath: string;
  readonly #standing: Standing;
  readonly #rows = new Map<string, number>();
  readonly #owners: { statement: string; role: string }[] = [];
  readonly #privileges: string[] = [];
  readonly #leftOut: LeftOut[] = [];
  #bytes = 0;
  #encoding = 'UTF8';
  /** Since 2018 pg_dump empties the search_path and qualifies every name. */
  #emptyPath = false;

  constructor(
    run: StagingRun,
    script: ProvedScript,
    session: Session,
    superuser: boolean,
    searchPath: string,
    standing: Standing,
  ) {
    this.#run = run;
    this.#script = script;
    this.#session = session;
    this.#carrier = new StatementCarrier(session, script.file.path);
    this.#inserts = new GatheredInserts(session, this.#carrier);
    this.#superuser = superuser;
    this.#searchPath = searchPath;
    this.#standing = standing;
  }

  async load(): Promise<LoadedScript> {
    const { file, sha256 } = this.#script;
    const hash = createHash('sha256');
    async function* hashed(): AsyncGenerator<Buffer> {
      for await (const chunk of file.read()) {
        hash.update(chunk);
        yield chunk;
      }
    }
    const items = scanDump(hashed(), file.path);
    for await (const item of items) {
      this.#run.signal.throwIfAborted();
      if (item.kind === 'statement') await this.#statement(item, items);
    }
    await this.#inserts.flush();
    if (hash.digest('hex') !== sha256) throw badFile(file.path, 'it changed while it was read');
    await this.#session.run('reset search_path; analyze');
    return {
      rows: this.#rows,
      bytes: this.#bytes + this.#inserts.bytes,
      owners: this.#owners,
      privileges: this.#privileges.map((statement) => `${statement};\n`).join(''),
      leftOut: this.#leftOut,
    };
  }

  async #statement(statement: Statement, items: AsyncGenerator<DumpItem>): Promise<void> {
    const verdict = judge(statement, this.#superuser);
    const { text } = statement;
    if (verdict.kind === 'insert') {
      this.#requireText(text);
      return await this.#inserts.add(text, this.#emptyPath ? this.#searchPath : undefined);
    }
    await this.#inserts.flush();
    if (verdict.kind === 'copy') return await this.#copy(text, items);
    await this.#carryOut(text, verdict);
  }

  async #carryOut(text: string, verdict: Verdict): Promise<void> {
    const object = nameOf(text);
    switch (verdict.kind) {
      case 'setting':
        return await this.#set(text, verdict.name);
      case 'owner':
        this.#owners.push({ statement: text, role: verdict.role });
        return;
      case 'privilege':
        this.#privileges.push(text);
        return;
      case 'leave-out':
        this.#leftOut.push({ object, reason: verdict.reason });
        return;
      case 'refuse':
        throw badFile(this.#script.file.path, verdict.reason);
      case 'pass-over':
        return;
      case 'transaction':
        // All of it is one already.
        return this.#session.inTransaction ? undefined : await this.#carrier.run(text, object);
      case 'drop':
        if (this.#stands(text)) return;
        return await this.#carrier.attempt(text, object).catch((error: unknown) => {
          if (!notThere.has(refusalOf(error))) throw error;
        });
      default:
        if (this.#stands(text)) return;
        if (/^SELECT pg_catalog\.set_config\('search_path', '', false\)$/.test(text)) this.#emptyPath = true;
        this.#requireText(text);
        await this.#carrier.run(text, object);
    }
  }

  /** Whether it makes or drops what stays: CREATE SCHEMA, DROP EXTENSION and their like. */
  #stands(text: string): boolean {
    const { kind, name } = schemaOrExtension(text) ?? {};
    const standing = kind === 'EXTENSION' ? this.#standing.extensions : this.#standing.schemaNames;
    return name !== undefined && standing.has(name);
  }

  /** A setting that a newer server knows and this one doesn't is dropped. */
  async #set(text: string, name: string): Promise<void> {
    if (name === 'client_encoding') {
      this.#encoding = /'?([\w-]+)'?$/.exec(text)?.[1] ?? 'UTF8';
      return;
    }
    const known = await this.#session.rows('select from pg_catalog.pg_settings where lower(name) = $1', [
      name,
    ]);
    if (known.length === 0 && !name.includes('.')) {
      this.#run.log.info(`setting ${name} is dropped: staging’s server does not know it`);
      return;
    }
    if (name === 'search_path') this.#emptyPath = false;
    await this.#carrier.run(text, name);
  }

  /** The rows go to the server as they stand in the file; as many have to arrive. */
  async #copy(text: string, items: AsyncGenerator<DumpItem>): Promise<void> {
    const table = tableOf(text);
    let lines = 0;
    const tell = (bytes: number) => {
      this.#bytes += bytes;
      const total = Math.max(this.#bytes, this.#script.bytes);
      this.#run.log.progress({ label: table, done: this.#bytes, total, unit: 'bytes' });
    };
    async function* rows(): AsyncGenerator<Buffer> {
      for (;;) {
        const { value, done } = await items.next();
        if (done || value.kind !== 'rows') return;
        for (let at = value.content.indexOf(0x0a); at >= 0; at = value.content.indexOf(0x0a, at + 1)) lines++;
        tell(value.content.length);
        yield value.content;
      }
    }
    const isUtf8 = /^utf-?8$/i.test(this.#encoding);
    // A check that finds its helpers by the database's search_path works in production, and has to work here.
    const before = [
      ...(this.#emptyPath ? [`set search_path = ${this.#searchPath}`] : []),
      ...(isUtf8 ? [] : [`set client_encoding = '${this.#encoding}'`]),
    ];
    const after = [
      ...(isUtf8 ? [] : [`set client_encoding = 'UTF8'`]),
      ...(this.#emptyPath ? [emptyPath] : []),
    ];
    this.#carrier.requireLexing();
    const taken = await feedCopy(this.#session, [...before, text, ...after].join(';\n'), rows(), table);
    if (taken !== lines) {
      throw new RefreshError('copy-failed', `the file has ${lines} rows, staging took ${taken}`, {
        object: table,
      });
    }
    this.#rows.set(table, (this.#rows.get(table) ?? 0) + lines);
  }

  /** Statements travel as UTF-8. */
  #requireText(text: string): void {
    if (/^utf-?8$/i.test(this.#encoding) || Buffer.byteLength(text) === text.length) return;
    throw new RefreshError('bad-file', `a statement is written in ${this.#encoding}`, {
      object: this.#script.file.path,
      hint: 'make the dump with pg_dump --encoding=UTF8',
    });
  }
}

function tableOf(copy: string): string {
  return /^COPY\s+((?:"(?:[^"]|"")+"|[^\s"(.]+)(?:\.(?:"(?:[^"]|"")+"|[^\s"(]+))?)/i.exec(copy)?.[1] ?? copy;
}
