import type { Socket } from 'node:net';
import { RefreshError } from '../model/errors.ts';
import { letGo } from '../system/short-lived-memory.ts';
import { CopyStatement } from './copy-statement.ts';
import { classify } from './failure.ts';
import { CopyDataFilter, copyDone } from './frames.ts';
import { Pauses } from './pauses.ts';
import { socketOf } from './pg-client.ts';
import type { Session } from './session.ts';

export interface Splice {
  readonly source: Session;
  /** `COPY (SELECT …) TO STDOUT`. */
  readonly copyOut: string;
  readonly target: Session;
  /**
   * `COPY table (columns) FROM STDIN`, alone or among other statements: the server runs a text with several one after
   * the other, so what comes before and after the rows costs no further round trip.
   */
  readonly copyIn: string;
  /** What is copied, for errors. */
  readonly object: string;
  /**
   * Of several tables, whose COPYs stand in the same two texts: told of the rows of each once the source is done with
   * it. In `copyIn` each table's statements end with `sectionEnd`.
   */
  readonly objects?: readonly string[];
  readonly onCopied?: (rows: number) => void;
  /** Sees each CopyData message (payload from byte 5), which is used again afterwards; a returned promise holds the source back. */
  readonly tap?: (message: Buffer) => Promise<void> | undefined;
  /** Told of bytes as they pass. */
  readonly onBytes?: (bytes: number) => void;
}

export interface Spliced {
  /** Rows as the source's COPY counted them. */
  readonly rowsOut: number;
  /** Rows as the target's COPY counted them. */
  readonly rowsIn: number;
  /** Payload bytes. */
  readonly bytes: number;
}

/**
 * Lets one server's COPY TO STDOUT flow into another's COPY FROM STDIN (manual, 53.2.6 "COPY Operations"): `pg` speaks
 * the protocol on both connections, only the CopyData in between goes past it, from socket to socket. The source is
 * paused while the target is full, so memory stays flat.
 *
 * After a failure both connections would be in the middle of a message: they are cut.
 */
export async function spliceCopy(splice: Splice): Promise<Spliced> {
  const { source, target, object } = splice;
  const objects = splice.objects ?? [splice.object];
  const into = new CopyStatement(splice.copyIn);
  const out = new CopyStatement(splice.copyOut, (rows) => {
    // The rows of the next table follow at once, behind whatever the target still has to do for this one.
    if (out.counts.length < objects.length) socketOf(target.client).write(copyDone);
    splice.onCopied?.(rows);
  });
  into.begin(target.client);
  const flow = new Flow(socketOf(source.client), socketOf(target.client), splice);
  // Nobody waits for CopyInResponse: rows that arrive early wait in the socket, and a server whose COPY did not begin
  // ignores them (manual, 53.2.6), so a small table costs one round trip and not three.
  out.begin(source.client);
  // Whichever side fails first is the reason; the other one only hears of it.
  const failed = into.complete.then(() => never());
  try {
    const [reading, writing] = [socketOf(source.client), socketOf(target.client)];
    // While rows are under way the target owes nothing but room, and the source nothing while it is held back.
    const underWay = source.awaiting(Promise.race([out.complete, failed, flow.pauses.broken]), () =>
      reading.isPaused(),
    );
    const rowsOut = await target.awaiting(underWay, () => writing.writableLength === 0);
    await target.awaiting(Promise.race([flow.pauses.over(), failed]), () => writing.writableLength === 0);
    writing.write(copyDone);
    const rowsIn = await target.awaiting(into.complete);
    if (rowsIn !== rowsOut) {
      throw new RefreshError('copy-failed', `production sent ${rowsOut} rows, staging took ${rowsIn}`, {
        object,
      });
    }
    return { rowsOut, rowsIn, bytes: flow.bytes };
  } catch (error) {
    const at = into.over ? into.sections : out.counts.length;
    const { side } = into.over ? target : source;
    const reason = classify(source.lost ?? target.lost ?? error, objects[at] ?? object, true, side);
    // Cut now, not when the caller comes to it: the source would go on sending, into nowhere, in the middle of a message.
    for (const session of [source, target]) session.destroy();
    throw reason;
  } finally {
    flow.end();
    for (const statement of [into, out]) statement.complete.catch(() => undefined);
  }
}

/** What may wait for a slower target before the source is paused: with less, each side idles while the other works. */
export const bytesAhead = 512 * 1024;

/** The bytes between the two sockets, and who waits for whom. */
class Flow {
  bytes = 0;
  /** Of the source: for the tap, and for a target that is full. */
  readonly pauses: Pauses;
  readonly #from: Socket;
  readonly #to: Socket;
  #flush: NodeJS.Immediate | undefined;
  readonly #listeners: readonly ((chunk: Buffer) => void)[];
  readonly #filter: CopyDataFilter;
  /** Whether the target's room is waited for. */
  #full = false;

  constructor(from: Socket, to: Socket, splice: Splice) {
    this.#from = from;
    this.pauses = new Pauses(from);
    // pg's parser stays the listener for all that is not CopyData: rows that pass never reach it.
    this.#listeners = from.listeners('data') as ((chunk: Buffer) => void)[];
    from.removeAllListeners('data');
    this.#to = to;
    this.#filter = new CopyDataFilter(
      (message) => {
        this.bytes += message.length - 5;
        letGo(message.length);
        splice.onBytes?.(message.length - 5);
        const tapped = splice.tap?.(message);
        if (tapped !== undefined) this.pauses.wait(tapped);
        this.#write(message);
      },
      (other) => {
        for (const listener of this.#listeners) listener(other);
      },
    );
    from.on('data', this.#onData);
  }

  readonly #onData = (chunk: Buffer) => {
    this.#filter.push(chunk);
    // One read of the socket brings several chunks; what they leave behind goes on before the next read.
    this.#flush ??= setImmediate(() => {
      this.#flush = undefined;
      this.#filter.flush();
    });
  };

  #write(message: Buffer): void {
    const written = () => this.#filter.giveBack(message);
    if (!this.#to.write(message, written) && this.#to.writableLength > bytesAhead) {
      this.#holdBack();
    }
  }

  /** Once for all the messages that one read of the source brings: of many small tables it brings hundreds. */
  #holdBack(): void {
    if (this.#full) return;
    this.#full = true;
    const room = drain(this.#to).then(() => {
      this.#full = false;
    });
    this.pauses.wait(room);
  }

  end(): void {
    if (this.#flush) clearImmediate(this.#flush);
    this.#from.removeListener('data', this.#onData);
    for (const listener of this.#listeners) this.#from.on('data', listener);
    if (this.#from.isPaused()) this.#from.resume();
  }
}

/** Resolves when the socket takes more, or never will: then the statement on it reports why. */
export function drain(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      socket.removeListener('drain', done);
      socket.removeListener('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
