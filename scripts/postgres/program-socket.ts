import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { RefreshError } from '../model/errors.ts';

/** libpq names the socket after the port (manual, 34.1.2, `host`); short ones, since the path may not be long. */
let lastPort = 0;
/** sizeof(sun_path) on the shortest-minded of the systems that we run on, without the closing zero. */
const longestSocketPath = 103;

/**
 * Lets one of PostgreSQL's own programs find a server of ours on a Unix socket.
 *
 * @param folder mode 0700: whoever may open the socket is let in.
 * @param onProgram gets each program that connects.
 * @param work starts the program with this environment.
 */
export async function serveProgram<Result>(
  folder: string,
  login: { readonly user: string; readonly database: string },
  onProgram: (program: Socket) => void,
  work: (environment: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result> {
  const port = ++lastPort;
  const path = join(folder, `.s.PGSQL.${port}`);
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new RefreshError('bad-environment', 'the folder for temporary files has too long a path', {
      object: 'TMPDIR',
      hint: `a socket in it may have ${longestSocketPath} bytes: export TMPDIR=/tmp`,
    });
  }
  const server = createServer(onProgram);
  await new Promise<void>((resolve, reject) => {
    // Made while it is called: the socket is nobody else's.
    const mask = process.umask(0o077);
    server.once('error', reject).listen(path, resolve);
    process.umask(mask);
  });
  try {
    return await work({
      PATH: process.env.PATH ?? '',
      LC_ALL: 'C.UTF-8',
      PGHOST: folder,
      PGPORT: String(port),
      PGUSER: login.user,
      PGDATABASE: login.database,
      PGCLIENTENCODING: 'UTF8',
    });
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

/** A program's messages (manual, 53.7 "Message Formats"): it is greeted, asks simple queries, and says goodbye. */
export class ProgramMessages {
  readonly #program: Socket;
  readonly #greeting: Buffer;
  readonly #onQuery: (statement: string) => void;
  #greeted = false;
  #unread: Buffer = Buffer.alloc(0);

  /** @param onQuery gets each statement without the spaces before it; one byte is one character. */
  constructor(program: Socket, greeting: Buffer, onQuery: (statement: string) => void) {
    this.#program = program;
    this.#greeting = greeting;
    this.#onQuery = onQuery;
    program.on('data', (chunk: Buffer) => this.#onData(chunk));
    program.on('error', () => program.destroy());
  }

  refuse(reason: string): void {
    const fields = ['SERROR', 'C0A000', `M${reason}`, ''];
    this.#program.write(Buffer.concat([message('E', text(...fields)), readyForQuery]));
  }

  #onData(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (let asked = this.#next(); asked; asked = this.#next()) {
      if (!this.#greeted) this.#onStartup(asked);
      else if (asked[0] === code('X')) this.#program.end();
      else if (asked[0] === code('Q'))
        this.#onQuery(asked.toString('latin1', 5, asked.length - 1).trimStart());
      else this.refuse('only simple queries are passed on');
    }
  }

  /** The next whole message; the first one has no type byte. */
  #next(): Buffer | undefined {
    const type = this.#greeted ? 1 : 0;
    if (this.#unread.length < type + 4) return undefined;
    const length = type + this.#unread.readUInt32BE(type);
    if (this.#unread.length < length) return undefined;
    const whole = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return whole;
  }

  #onStartup(packet: Buffer): void {
    // SSLRequest and GSSENCRequest: neither is needed on a socket of our own.
    if (packet.readUInt16BE(4) === 1234) this.#program.write('N');
    else {
      this.#greeted = true;
      this.#program.write(this.#greeting);
    }
  }
}

/** The answer to what begins a transaction, where one is open already; undefined for everything else. */
export function transactionBegun(statement: string): Buffer | undefined {
  const begun = /^(begin|start transaction|set transaction)\b/i.exec(statement)?.[1];
  return begun === undefined ? undefined : done((begun.split(' ', 1)[0] ?? '').toUpperCase());
}

/** CommandComplete and ReadyForQuery. */
export function done(tag: string, ...before: readonly Buffer[]): Buffer {
  return Buffer.concat([...before, message('C', text(tag)), readyForQuery]);
}

export function message(type: string, payload: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeUInt32BE(payload.length + 4, 1);
  return Buffer.concat([header, payload]);
}

/** Zero-terminated texts, one after the other. */
export function text(...values: readonly string[]): Buffer {
  return Buffer.from(values.map((value) => `${value}\0`).join(''), 'utf8');
}

export function code(type: string): number {
  return type.charCodeAt(0);
}

/** In a transaction block: there is no other state here. */
export const readyForQuery = message('Z', Buffer.from('T', 'latin1'));
