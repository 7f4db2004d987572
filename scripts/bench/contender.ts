import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { connectionUrl } from '../local/server.ts';
import { admin } from '../local/session.ts';
import { RefreshError } from '../model/errors.ts';
import { parseConnectionUrl } from '../model/server-address.ts';
import { libpqEnvironment } from '../postgres/server-tools.ts';
import type { BenchPair } from './bench-pair.ts';

/** One way of putting production's data into staging. */
export interface Contender {
  readonly key: string;
  readonly title: string;
  readonly ours: boolean;
  /** Role that owns the empty database that it fills. */
  readonly owner: 'app' | 'doadmin';
  /** What has to be there before the first round, such as a backup; it is not measured. */
  prepare?(place: Workplace): Promise<void>;
  copy(place: Workplace): Promise<Copied>;
}

export interface Copied {
  readonly movedBytes: number;
  readonly phases?: readonly { readonly name: string; readonly seconds: number }[];
}

export interface ProgramOptions {
  readonly env: Readonly<Record<string, string>>;
  /** File for its standard input. */
  readonly input?: string;
}

/** Where the servers are reached: their own ports, or those of what stands before them. */
export interface Ports {
  readonly production: number;
  readonly staging: number;
}

/** Where a contender works: its databases, an empty folder of its own, and a way to start programs that are measured. */
export class Workplace {
  readonly pair: BenchPair;
  /** Name on production; staging's is `shop`. */
  readonly productionDatabase: string;
  readonly stagingDatabase = 'shop';
  /** Empty at the start, gone afterwards. */
  readonly folder: string;
  /** Holds what the contender has prepared. */
  readonly prepared: string;
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly #ports: Ports;
  readonly #watch: (pid: number) => void;

  constructor(options: {
    pair: BenchPair;
    productionDatabase: string;
    folder: string;
    prepared: string;
    jobs: number;
    signal: AbortSignal;
    ports: Ports;
    watch: (pid: number) => void;
  }) {
    this.pair = options.pair;
    this.productionDatabase = options.productionDatabase;
    this.folder = options.folder;
    this.prepared = options.prepared;
    this.jobs = options.jobs;
    this.signal = options.signal;
    this.#ports = options.ports;
    this.#watch = options.watch;
  }

  get productionUrl(): string {
    const { production, reader } = this.pair;
    const { user, password } = reader;
    return connectionUrl(
      { ...production, port: this.#ports.production },
      user,
      password,
      this.productionDatabase,
    );
  }

  get stagingUrl(): string {
    const { user, password } = admin(this.pair.staging);
    const { staging } = this.pair;
    return connectionUrl({ ...staging, port: this.#ports.staging }, user, password, this.stagingDatabase);
  }

  /** libpq's environment for production, read by the reader over verified TLS: what the engine does too. */
  get productionEnvironment(): Record<string, string> {
    const address = parseConnectionUrl(this.productionUrl, 'PRODUCTION_DB_URL');
    return libpqEnvironment(address, this.pair.production.caFile);
  }

  /** libpq's environment for staging's administrator. */
  get stagingEnvironment(): Record<string, string> {
    const address = parseConnectionUrl(this.stagingUrl, 'STAGING_DB_URL');
    return libpqEnvironment(address, this.pair.staging.caFile);
  }

  /** PATH that finds this Node and this PostgreSQL first. */
  get path(): string {
    return [dirname(process.execPath), this.pair.tools.bindir, '/usr/bin', '/bin'].join(delimiter);
  }

  /** One of PostgreSQL's own programs. */
  async tool(program: string, args: readonly string[], options: ProgramOptions): Promise<string> {
    return await this.program(join(this.pair.tools.bindir, program), args, options);
  }

  /** Runs a program to a good end and returns its stderr. @throws RefreshError `tool-failed` with its last lines. */
  async program(command: string, args: readonly string[], options: ProgramOptions): Promise<string> {
    const input = options.input === undefined ? 'ignore' : openSync(options.input, 'r');
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    try {
      const child = spawn(command, args, {
        env: options.env,
        cwd: this.folder,
        stdio: [input, 'ignore', 'pipe'],
        signal: this.signal,
      });
      let said = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-8000);
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        if (code === 0) return resolve(said);
        const how = signal ? `was ended by ${signal}` : `ended with status ${code}`;
        reject(
          new RefreshError('tool-failed', `${command} ${how}: ${said.trim().slice(-2000)}`, {
            object: command,
          }),
        );
      });
      if (child.pid !== undefined) this.#watch(child.pid);
      return await promise;
    } finally {
      if (typeof input === 'number') closeSync(input);
    }
  }
}
