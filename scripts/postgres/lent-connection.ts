import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { RefreshError } from '../model/errors.ts';
import { type Session, socketOf } from './session.ts';

/** libpq names the socket after the port (manual, 34.1.2, `host`); a short one, since the path may not be long. */
const port = 1;
/** sizeof(sun_path) on the shortest-minded of the systems that we run on, without the closing zero. */
const longestSocketPath = 103;

/**
 * Lets one of PostgreSQL's own programs use a connection of ours, so that it works inside the transaction that is open
 * there: it finds a server on a Unix socket in our folder, and what it asks goes on to the real one. It can neither
 * begin nor end a transaction.
 *
 * @param folder mode 0700: whoever may open the socket is let in.
 * @param work starts the program with this environment.
 */
export async function lendConnection<Result>(
  session: Session,
  folder: string,
  work: (environment: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result> {
  const path = join(folder, `.s.PGSQL.${port}`);
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new RefreshError('bad-environment', 'the folder for temporary files has too long a path', {
      object: 'TMPDIR',
      hint: `a socket in it may have ${longestSocketPath} bytes: export TMPDIR=/tmp`,
    });
  }
  const greeting = await greet(session);
  let lending: Lending | undefined;
  const server = createServer((program) => {
    if (lending?.active) program.destroy();
    else lending = new Lending(session, program, greeting);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(path, resolve);
  });
  try {
    return await work({
      PATH: process.env.PATH ?? '',
      LC_ALL: 'C.UTF-8',
      PGHOST: folder,
      PGPORT: String(port),
      PGUSER: session.client.user ?? '',
      PGDATABASE: session.client.database ?? '',
      PGCLIENTENCODING: 'UTF8',
    });
  } finally {
    await lending?.ended;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

/** What a server tells a client that it let in: AuthenticationOk, ParameterStatus …, ReadyForQuery. */
async function greet(session: Session): Promise<Buffer> {
  const settings = await session.rows<{ name: string; setting: string }>(
    `select name, pg_catalog.current_setting(name) as setting
       from unnest(array['server_version', 'server_encoding', 'client_encoding', 'standard_conforming_strings',
                         'is_superuser', 'session_authorization', 'DateStyle', 'IntervalStyle', 'TimeZone',
                         'integer_datetimes']) as reported (name)`,
  );
  const authenticationOk = message('R', Buffer.from([0, 0, 0, 0]));
  const reported = settings.map(({ name, setting }) => message('S', text(name, setting)));
  return Buffer.concat([authenticationOk, ...reported, readyForQuery]);
}

/** One program's use of the connection. */
class Lending {
  /** Resolves when the program is gone and the connection is ours again. */
  readonly ended: Promise<void>;
  active = true;
  readonly #session: Session;
  readonly #server: Socket;
  readonly #program: Socket;
  readonly #listeners: readonly ((chunk: Buffer) => void)[];
  readonly #greeting: Buffer;
  #greeted = false;
  #unread: Buffer = Buffer.alloc(0);
  readonly #answers = new AnswerCounter();
  #asked = 0;

  constructor(session: Session, program: Socket, greeting: Buffer) {
    this.#session = session;
    this.#server = socketOf(session.client);
    this.#program = program;
    this.#greeting = greeting;
    // What the server says meanwhile is not for pg's parser.
    this.#listeners = this.#server.listeners('data') as ((chunk: Buffer) => void)[];
    this.#server.removeAllListeners('data');
    this.#server.on('data', this.#onAnswer);
    session.onLost(() => program.destroy());
    program.on('data', (chunk: Buffer) => this.#onAsked(chunk));
    program.on('error', () => program.destroy());
    this.ended = new Promise((resolve) => {
      program.once('close', () => {
        this.#giveBack();
        this.active = false;
        resolve();
      });
    });
  }

  #giveBack(): void {
    this.#server.removeListener('data', this.#onAnswer);
    for (const listener of this.#listeners) this.#server.on('data', listener);
    if (this.#server.isPaused()) this.#server.resume();
    // A program that was killed has left an answer under way, which nobody could tell from the next one.
    if (this.#asked > this.#answers.complete) this.#session.destroy();
  }

  readonly #onAnswer = (chunk: Buffer) => {
    this.#answers.push(chunk);
    if (this.#program.destroyed || this.#program.write(chunk)) return;
    this.#server.pause();
    this.#program.once('drain', () => this.#server.resume());
  };

  #onAsked(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (let asked = this.#next(); asked; asked = this.#next()) {
      if (!this.#greeted) this.#onStartup(asked);
      else if (asked[0] === code('X')) this.#program.end();
      else if (asked[0] === code('Q')) this.#onQuery(asked);
      else this.#refuse('only simple queries are passed on');
    }
  }

  /** The next whole message; the first one has no type byte (manual, 53.7 "Message Formats"). */
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

  #onQuery(asked: Buffer): void {
    const statement = asked.subarray(5, -1).toString('utf8').trimStart();
    const transaction = /^(begin|start transaction|set transaction)\b/i.exec(statement)?.[1];
    if (transaction) {
      const tag = transaction.split(' ', 1)[0] ?? '';
      this.#program.write(Buffer.concat([message('C', text(tag.toUpperCase())), readyForQuery]));
    } else if (/^(commit|end|rollback|abort|savepoint|release|prepare transaction)\b/i.test(statement)) {
      this.#refuse('the transaction is not yours to end');
    } else {
      this.#asked++;
      this.#server.write(asked);
    }
  }

  #refuse(reason: string): void {
    const fields = ['SERROR', 'C0A000', `M${reason}`, ''];
    this.#program.write(Buffer.concat([message('E', text(...fields)), readyForQuery]));
  }
}

/** Counts ReadyForQuery in the server's bytes, in whatever chunks they come: only headers are looked at. */
class AnswerCounter {
  complete = 0;
  #header = Buffer.alloc(0);
  #remaining = 0;

  push(chunk: Buffer): void {
    for (let position = 0; position < chunk.length; ) {
      if (this.#remaining > 0) {
        const passed = Math.min(this.#remaining, chunk.length - position);
        this.#remaining -= passed;
        position += passed;
      } else {
        const wanted = 5 - this.#header.length;
        this.#header = Buffer.concat([this.#header, chunk.subarray(position, position + wanted)]);
        position += wanted;
        if (this.#header.length < 5) return;
        if (this.#header[0] === code('Z')) this.complete++;
        this.#remaining = this.#header.readUInt32BE(1) - 4;
        this.#header = Buffer.alloc(0);
      }
    }
  }
}

function message(type: string, payload: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeUInt32BE(payload.length + 4, 1);
  return Buffer.concat([header, payload]);
}

/** Zero-terminated texts, one after the other. */
function text(...values: readonly string[]): Buffer {
  return Buffer.from(values.map((value) => `${value}\0`).join(''), 'utf8');
}

function code(type: string): number {
  return type.charCodeAt(0);
}

/** In a transaction block: there is no other state here. */
const readyForQuery = message('Z', Buffer.from('T', 'latin1'));
