import type { Socket } from 'node:net';
import { OpenQuestions } from './open-questions.ts';
import {
  done,
  message,
  ProgramMessages,
  readyForQuery,
  serveProgram,
  text,
  transactionBegun,
} from './program-socket.ts';
import type { Session } from './session.ts';

/** What a program is going to ask, so that it is asked before. */
export interface ReadAhead {
  /** Asks what is known before the program runs. */
  begin(questions: OpenQuestions): Promise<void>;
  /** Once the program has asked this, which was not known: statements, one byte a character. */
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
  const questions = new OpenQuestions(session);
  const onProgram = (program: Socket) => {
    if (lending?.active) program.destroy();
    else lending = new Lending(session, questions, program, greeting, known);
  };
  try {
    await known?.begin(questions);
    return await serveProgram(folder, login, onProgram, async (environment) => {
      try {
        return await work(environment);
      } finally {
        await lending?.ended;
      }
    });
  } finally {
    await lending?.ended;
    questions.giveBack();
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
  /** Resolves when the program is gone. */
  readonly ended: Promise<void>;
  active = true;
  readonly #questions: OpenQuestions;
  readonly #program: Socket;
  readonly #messages: ProgramMessages;
  readonly #ahead: ReadAhead | undefined;

  constructor(
    session: Session,
    questions: OpenQuestions,
    program: Socket,
    greeting: Buffer,
    ahead: ReadAhead | undefined,
  ) {
    this.#questions = questions;
    this.#program = program;
    this.#ahead = ahead;
    session.onLost(() => program.destroy());
    questions.onRefused = () => program.destroy();
    this.#messages = new ProgramMessages(program, greeting, (statement) => this.#onQuery(statement));
    this.ended = new Promise((resolve) => {
      program.once('close', () => {
        this.active = false;
        resolve();
      });
    });
  }

  #onQuery(statement: string): void {
    const begun = transactionBegun(statement);
    if (begun) this.#program.write(begun);
    else if (/^(commit|end|rollback|abort|savepoint|release|prepare transaction)\b/i.test(statement)) {
      this.#messages.refuse('the transaction is not yours to end');
    } else if (!this.#ahead && /^set transaction_timeout = 0;\s*$/i.test(statement)) {
      // A server older than 17 does not know it; where it is known, our session has it so.
      this.#program.write(done('SET'));
    } else if (!this.#questions.hand(statement, this.#program)) {
      // What only prepares is taken for granted: a refusal ends all of it.
      const prepared = this.#ahead && /^(prepare|set) /i.exec(statement)?.[1];
      if (prepared) this.#program.write(done(prepared.toUpperCase()));
      this.#questions.ask(statement, this.#program, !prepared);
      this.#questions.askAhead(this.#ahead?.next(statement) ?? []);
    }
  }
}
