import type { Socket } from 'node:net';
import {
  code,
  done,
  message,
  ProgramMessages,
  readyForQuery,
  serveProgram,
  text,
  transactionBegun,
} from './program-socket.ts';
import { type Session, socketOf } from './session.ts';

/** What a program is going to ask, so that it is asked before. Each text is a statement, one byte a character. */
export interface ReadAhead {
  /** From the beginning on, in this order. */
  readonly first: readonly string[];
  /** Once the program has asked this. */
  next(asked: string): readonly string[];
}

/**
 * Lets one of PostgreSQL's own programs use a connection of ours, so that it works inside the transaction that is open
 * there: it finds a server on a Unix socket in our folder, and what it asks goes on to the real one. It can neither
 * begin nor end a transaction.
 *
 * @param folder mode 0700: whoever may open the socket is let in.
 * @param work starts the program with this environment.
 * @param ahead only for a program that reads: what was asked ahead and answered is what the program gets.
 */
export async function lendConnection<Result>(
  session: Session,
  folder: string,
  work: (environment: Readonly<Record<string, string>>) => Promise<Result>,
  ahead?: (greeting: Buffer) => Promise<ReadAhead>,
): Promise<Result> {
  const greeting = await greet(session);
  const known = await ahead?.(greeting);
  let lending: Lending | undefined;
  const login = { user: session.client.user ?? '', database: session.client.database ?? '' };
  const onProgram = (program: Socket) => {
    if (lending?.active) program.destroy();
    else lending = new Lending(session, program, greeting, known);
  };
  try {
    return await serveProgram(folder, login, onProgram, async (environment) => {
      try {
        return await work(environment);
      } finally {
        await lending?.ended;
      }
    });
  } finally {
    await lending?.ended;
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

/** Something that the server was asked. */
interface Question {
  /** Whether the program waits for the answer, which it then gets as it comes. */
  live: boolean;
  readonly answer: Buffer[];
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
  readonly #messages: ProgramMessages;
  readonly #ahead: ReadAhead | undefined;
  /** Not answered yet, in the order in which the server answers. */
  readonly #open: Question[] = [];
  /** Asked ahead and not by the program yet. */
  readonly #kept = new Map<string, Question[]>();
  readonly #answers = new Answers(
    (part, ends) => this.#onAnswer(part, ends),
    () => this.#onError(),
  );

  constructor(session: Session, program: Socket, greeting: Buffer, ahead: ReadAhead | undefined) {
    this.#session = session;
    this.#server = socketOf(session.client);
    this.#program = program;
    this.#ahead = ahead;
    // What the server says meanwhile is not for pg's parser.
    this.#listeners = this.#server.listeners('data') as ((chunk: Buffer) => void)[];
    this.#server.removeAllListeners('data');
    this.#server.on('data', this.#onData);
    session.onLost(() => program.destroy());
    this.#messages = new ProgramMessages(program, greeting, (asked, statement) =>
      this.#onQuery(asked, statement),
    );
    this.#askAhead(ahead?.first ?? []);
    this.ended = new Promise((resolve) => {
      program.once('close', () => {
        this.#giveBack();
        this.active = false;
        resolve();
      });
    });
  }

  #giveBack(): void {
    this.#server.removeListener('data', this.#onData);
    for (const listener of this.#listeners) this.#server.on('data', listener);
    if (this.#server.isPaused()) this.#server.resume();
    // An answer that is still under way could not be told from the next one.
    if (this.#open.length > 0) this.#session.destroy();
  }

  readonly #onData = (chunk: Buffer) => this.#answers.push(chunk);

  #onAnswer(part: Buffer, ends: boolean): void {
    const [question] = this.#open;
    if (ends) this.#open.shift();
    if (!question?.live) return void question?.answer.push(part);
    if (this.#program.destroyed || this.#program.write(part)) return;
    this.#server.pause();
    this.#program.once('drain', () => this.#server.resume());
  }

  /** What nobody has asked was refused, and with it the transaction is over. */
  #onError(): void {
    if (this.#open[0]?.live === false) this.#program.destroy();
  }

  #onQuery(asked: Buffer, statement: string): void {
    const begun = transactionBegun(statement);
    if (begun) this.#program.write(begun);
    else if (/^(commit|end|rollback|abort|savepoint|release|prepare transaction)\b/i.test(statement)) {
      this.#messages.refuse('the transaction is not yours to end');
    } else {
      const known = this.#kept.get(statement)?.shift();
      if (known) {
        known.live = true;
        for (const part of known.answer) this.#program.write(part);
        return;
      }
      // What only prepares is taken for granted: a refusal ends all of it.
      const prepared = this.#ahead && /^(prepare|set) /i.exec(statement)?.[1];
      if (prepared) this.#program.write(done(prepared.toUpperCase()));
      this.#open.push({ live: !prepared, answer: [] });
      this.#server.write(asked);
      this.#askAhead(this.#ahead?.next(statement) ?? []);
    }
  }

  #askAhead(statements: readonly string[]): void {
    for (const statement of statements) {
      const question = { live: false, answer: [] };
      this.#open.push(question);
      const same = this.#kept.get(statement);
      if (same) same.push(question);
      else this.#kept.set(statement, [question]);
    }
    const asked = statements.map((statement) => message('Q', Buffer.from(`${statement}\0`, 'latin1')));
    if (asked.length > 0) this.#server.write(Buffer.concat(asked));
  }
}

/** Divides the server's bytes, in whatever chunks they come, into its answers: only headers are looked at. */
class Answers {
  readonly #onPart: (part: Buffer, ends: boolean) => void;
  readonly #onError: () => void;
  #header = Buffer.alloc(0);
  #remaining = 0;

  /** @param onPart a piece of an answer; `ends` with its last one. */
  constructor(onPart: (part: Buffer, ends: boolean) => void, onError: () => void) {
    this.#onPart = onPart;
    this.#onError = onError;
  }

  push(chunk: Buffer): void {
    let begun = 0;
    for (let position = 0; position < chunk.length; ) {
      if (this.#remaining > 0) {
        const passed = Math.min(this.#remaining, chunk.length - position);
        this.#remaining -= passed;
        position += passed;
      } else {
        const wanted = 5 - this.#header.length;
        this.#header = Buffer.concat([this.#header, chunk.subarray(position, position + wanted)]);
        position += wanted;
        if (this.#header.length < 5) break;
        this.#remaining = this.#header.readUInt32BE(1) - 4;
        if (this.#header[0] === code('E')) this.#onError();
      }
      if (this.#remaining > 0 || this.#header.length < 5) continue;
      const ends = this.#header[0] === code('Z');
      this.#header = Buffer.alloc(0);
      if (!ends) continue;
      this.#onPart(chunk.subarray(begun, position), true);
      begun = position;
    }
    if (begun < chunk.length) this.#onPart(chunk.subarray(begun), false);
  }
}
