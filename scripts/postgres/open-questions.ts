import type { Socket } from 'node:net';
import { letGo } from '../system/short-lived-memory.ts';
import { socketOf } from './pg-client.ts';
import { code, message } from './program-socket.ts';
import { withoutServersOwnOptions } from './servers-own-options.ts';
import type { Session } from './session.ts';

/** More answers than this don't wait in our memory, but in the server's, until the program asks. Of 10,000 tables they are 15 MB. */
const answersAheadBytes = 1024 * 1024;

/** Something that the server was asked. */
interface Question {
  /** Gets the answer as it comes; undefined while nobody has asked but us. */
  asker: Socket | undefined;
  over: boolean;
  readonly answer: Buffer[];
}

/**
 * Simple queries to a server over a session's connection, past `pg`: many at once, each with the server's answer byte by
 * byte, for a program that will ask the same. Statements have one byte for each character.
 */
export class OpenQuestions {
  /** Called when the server refuses what nobody has asked but us, and with it the transaction is over. */
  onRefused: () => void = () => undefined;
  readonly #session: Session;
  readonly #server: Socket;
  readonly #listeners: readonly ((chunk: Buffer) => void)[];
  /** Not answered yet, in the order in which the server answers. */
  readonly #open: Question[] = [];
  /** Asked ahead and not by the program yet. */
  readonly #kept = new Map<string, Question[]>();
  readonly #answers = new Answers(
    (part, ends) => this.#onAnswer(part, ends),
    () => this.#onError(),
  );
  /** Of answers that nobody has asked for yet. */
  #waitingBytes = 0;
  /** What the program waits for. */
  #wanted: Question | undefined;
  #refused = false;
  #rest: (() => void) | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#server = socketOf(session.client);
    // What the server says meanwhile is not for pg's parser.
    this.#listeners = this.#server.listeners('data') as ((chunk: Buffer) => void)[];
    this.#server.removeAllListeners('data');
    this.#server.on('data', this.#onData);
    session.onLost(() => this.#rest?.());
  }

  /** Whether no more answers are taken until the program has asked for those that are there. */
  get full(): boolean {
    return this.#waitingBytes > answersAheadBytes;
  }

  /** Asks for nobody yet. */
  askAhead(statements: readonly string[]): void {
    for (const statement of statements) {
      const question: Question = { asker: undefined, over: false, answer: [] };
      this.#open.push(question);
      const same = this.#kept.get(statement);
      if (same) same.push(question);
      else this.#kept.set(statement, [question]);
    }
    if (statements.length > 0) this.#server.write(Buffer.concat(statements.map(query)));
  }

  /** Passes on a query for its asker. @param wanted whether the answer is. */
  ask(statement: string, asker: Socket, wanted: boolean): void {
    const question: Question = { asker: wanted ? asker : undefined, over: false, answer: [] };
    this.#open.push(question);
    if (wanted) this.#await(question);
    this.#server.write(query(statement));
  }

  /** Whether it was asked ahead: then the asker gets that answer. */
  hand(statement: string, asker: Socket): boolean {
    const known = this.#kept.get(statement)?.shift();
    if (!known) return false;
    known.asker = asker;
    for (const part of known.answer) {
      this.#waitingBytes -= part.length;
      asker.write(part);
    }
    this.#await(known);
    return true;
  }

  /** The server's answers so far, each time to the same statement the next one, for one who rehearses. */
  replay(): (statement: string) => readonly Buffer[] | undefined {
    const asked = new Map<string, number>();
    return (statement) => {
      const times = asked.get(statement) ?? 0;
      asked.set(statement, times + 1);
      const question = this.#kept.get(statement)?.[times];
      return question?.over ? question.answer : undefined;
    };
  }

  /** Resolves when everything is answered, or as much as may wait. @throws what ended it. */
  async answered(): Promise<void> {
    if (this.#open.length > 0 && !this.full && !this.#refused && !this.#session.lost) {
      await new Promise<void>((resolve) => {
        this.#rest = resolve;
      });
    }
    if (this.#session.lost) throw this.#session.lost;
    if (this.#refused) throw new Error('what was asked ahead was refused');
  }

  giveBack(): void {
    this.#server.removeListener('data', this.#onData);
    for (const listener of this.#listeners) this.#server.on('data', listener);
    if (this.#server.isPaused()) this.#server.resume();
    // An answer that is still under way could not be told from the next one.
    if (this.#open.length > 0) this.#session.destroy();
  }

  #await(question: Question): void {
    this.#wanted = question;
    if (!this.full || !question.over) this.#server.resume();
  }

  readonly #onData = (chunk: Buffer) => {
    this.#answers.push(chunk);
    letGo(chunk.length);
    if (!this.full) return;
    this.#rest?.();
    if (!this.#wanted || this.#wanted.over) this.#server.pause();
  };

  #onAnswer(part: Buffer, ends: boolean): void {
    const [question] = this.#open;
    if (ends) this.#open.shift();
    if (question) question.over = ends;
    if (question && !question.asker) {
      this.#waitingBytes += part.length;
      question.answer.push(part);
    }
    if (this.#open.length === 0) this.#rest?.();
    const asker = question?.asker;
    if (!asker || asker.destroyed || asker.write(part)) return;
    this.#server.pause();
    asker.once('drain', () => this.#server.resume());
  }

  #onError(): void {
    if (this.#open[0]?.asker) return;
    this.#refused = true;
    this.#rest?.();
    this.onRefused();
  }
}

function query(statement: string): Buffer {
  return message('Q', Buffer.from(`${withoutServersOwnOptions(statement)}\0`, 'latin1'));
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
