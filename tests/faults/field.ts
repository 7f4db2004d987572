import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { environmentName } from '../../scripts/contract.ts';
import { connectionUrl, type LocalServer } from '../../scripts/local/server.ts';
import { admin, type Login, superuser, withSession } from '../../scripts/local/session.ts';
import type { TestPair } from '../support/pair.ts';
import { businessSql, contentSql, flaw, generationSql, policyText, type Read, readSql } from './business.ts';
import { TcpProxy } from './tcp-proxy.ts';

const database = 'business';
export type Side = 'production' | 'staging';

/** What became of staging, in the numbers of generations. */
export interface StagingState {
  readonly generation: number;
  readonly content: string;
}

/** Two servers behind a proxy each, a production that changes, and readers of staging who never stop. */
export class Field implements AsyncDisposable {
  readonly folder: string;
  readonly proxies: Readonly<Record<Side, TcpProxy>>;
  /** Those that are the primaries now. */
  readonly servers: Record<Side, LocalServer>;
  /** Answers that readers got, those that no whole database gives, and how often they could not connect. */
  readonly reads = { good: 0, refused: 0, flaws: [] as string[] };
  readonly #pair: TestPair;
  readonly #contents = new Map<number, string>();
  readonly #stop = new AbortController();
  readonly #readers: Promise<void>[] = [];
  #generation = 0;
  /** What readers may see now. */
  #allowed: ReadonlySet<number> = new Set();

  private constructor(
    pair: TestPair,
    servers: Record<Side, LocalServer>,
    proxies: Record<Side, TcpProxy>,
    folder: string,
  ) {
    this.#pair = pair;
    this.servers = servers;
    this.proxies = proxies;
    this.folder = folder;
  }

  /** Makes both databases with staging one generation behind. */
  static async open(pair: TestPair, servers: Record<Side, LocalServer> = pair): Promise<Field> {
    const proxies = {
      production: await TcpProxy.open(servers.production.port),
      staging: await TcpProxy.open(servers.staging.port),
    };
    const { production, staging } = servers;
    const field = new Field(
      pair,
      { production, staging },
      proxies,
      mkdtempSync(join(pair.folder, 'campaign-')),
    );
    for (const side of ['production', 'staging'] as const) {
      await field.as(side, 'postgres', async (session) => {
        await session.query(`drop database if exists ${database} with (force)`);
        await session.query(`create database ${database} owner app`);
      });
      await field.on(side, 'app', (session) => session.query(`${businessSql} ${generationSql(0)}`));
    }
    await field.on('staging', 'app', (session) => session.query(`update flags set note = 'staging'`));
    writeFileSync(join(field.folder, 'policy.yaml'), policyText);
    await field.#remember();
    field.#allowed = new Set([0]);
    return field;
  }

  get appLogin(): Login {
    return this.#pair.app;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Readers that check each answer, until the field is closed. */
  startReaders(count: number): void {
    for (let i = 0; i < count; i++) this.#readers.push(this.#read());
  }

  /** Production changes; from now on staging may be what it is, or this. */
  async nextGeneration(): Promise<void> {
    const before = await this.staging();
    this.#generation++;
    await this.on('production', 'app', (session) => session.query(generationSql(this.#generation)));
    await this.#remember();
    this.allow(before.generation, this.#generation);
  }

  /** What readers may see from now on. */
  allow(...generations: readonly number[]): void {
    this.#allowed = new Set(generations);
  }

  /** What staging is; `generation` is -1 for a content that is none of them. */
  async staging(): Promise<StagingState> {
    const content = await this.on('staging', 'postgres', contentOf);
    const found = [...this.#contents].find(([, known]) => known === content)?.[0];
    return { generation: found ?? -1, content };
  }

  /** Runs SQL in the business database. */
  on<Result>(
    side: Side,
    role: 'app' | 'postgres' | 'doadmin',
    work: (session: Client) => Promise<Result>,
  ): Promise<Result> {
    return withSession(this.servers[side], this.#login(side, role), database, work);
  }

  /** The same in the database `postgres`. */
  as<Result>(
    side: Side,
    role: 'app' | 'postgres' | 'doadmin',
    work: (session: Client) => Promise<Result>,
  ): Promise<Result> {
    return withSession(this.servers[side], this.#login(side, role), 'postgres', work);
  }

  /** For the engine: through the proxies. */
  environment(production = database): Record<string, string> {
    const { reader, tools } = this.#pair;
    const names = { production, staging: database };
    const url = (side: Side, login: Login) =>
      connectionUrl(
        { ...this.servers[side], port: this.proxies[side].port },
        login.user,
        login.password,
        names[side],
      );
    return {
      [environmentName.productionUrl]: url('production', reader),
      [environmentName.productionCa]: readFileSync(this.servers.production.caFile, 'utf8'),
      [environmentName.stagingUrl]: url('staging', admin(this.servers.staging)),
      [environmentName.stagingCa]: readFileSync(this.servers.staging.caFile, 'utf8'),
      PG_BINDIR: tools.bindir,
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#readers);
    for (const proxy of Object.values(this.proxies)) await proxy[Symbol.asyncDispose]();
  }

  #login(side: Side, role: 'app' | 'postgres' | 'doadmin'): Login {
    const server = this.servers[side];
    return role === 'app' ? this.#pair.app : role === 'doadmin' ? admin(server) : superuser(server);
  }

  async #remember(): Promise<void> {
    this.#contents.set(this.#generation, await this.on('production', 'postgres', contentOf));
  }

  async #read(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.on('staging', 'app', async (session) => {
          session.on('error', () => undefined);
          for (let turn = 0; turn < 10 && !this.#stop.signal.aborted; turn++) {
            const { rows } = await session.query<Read>(readSql);
            const wrong = rows[0] ? flaw(rows[0], this.#allowed) : 'no row';
            if (wrong) this.reads.flaws.push(wrong);
            else this.reads.good++;
            await sleep(50);
          }
        });
      } catch (error) {
        // A table that is not there would be an empty database under the name: no parting, a flaw.
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (/^42/.test(code)) this.reads.flaws.push(String(error));
        this.reads.refused++;
        await sleep(10);
      }
    }
  }
}

async function contentOf(session: Client): Promise<string> {
  return (
    (await session.query<{ content: string }>(contentSql)).rows[0]?.content ?? randomBytes(4).toString('hex')
  );
}
