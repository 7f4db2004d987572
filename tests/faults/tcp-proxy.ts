import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback } from '../../scripts/local/loopback-port.ts';

/** What a network may do to the connections that pass. */
export type Trouble = 'cut' | 'reset' | 'stall' | 'stall one' | 'delay' | 'throttle';

interface Passage {
  readonly client: Socket;
  readonly server: Socket;
}

const chunkDelayMs = 40;
/** Of a throttled connection, each direction. */
const bytesPerSecond = 512 * 1024;

/** A loopback TCP proxy before a server: everything passes until trouble begins. TLS goes through it untouched. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  #target: number;
  readonly #server: Server;
  readonly #passages = new Set<Passage>();
  /** What newcomers meet. */
  #mode: 'pass' | 'stall' | 'delay' | 'throttle' = 'pass';
  #stalled: Passage | undefined;
  #muted: Passage | undefined;

  private constructor(server: Server, port: number, target: number) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    server.on('connection', (client) => this.#accept(client));
  }

  static async open(target: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: false });
    return new TcpProxy(server, await listenOnLoopback(server), target);
  }

  /** Newcomers get to another server. */
  redirect(target: number): void {
    this.#target = target;
  }

  get connections(): number {
    return this.#passages.size;
  }

  /**
   * `cut` and `reset` strike what is connected now; newcomers pass again. `stall` lets nothing through any more, of
   * newcomers either, and keeps all sockets open; `stall one` does that to one connection, which `choose` picks.
   * `delay` and `throttle` are slow, not broken.
   */
  begin(trouble: Trouble, choose: (count: number) => number = () => 0): void {
    const passages = [...this.#passages];
    if (trouble === 'cut') for (const { client, server } of passages) end(client, server, 'destroy');
    else if (trouble === 'reset') for (const { client, server } of passages) end(client, server, 'reset');
    else if (trouble === 'stall one') this.#stalled = passages[choose(passages.length)];
    else this.#mode = trouble;
  }

  /** Nothing passes on this connection any more, as in `stall one`. @param port from which the server sees it. */
  stall(port: number): void {
    this.#stalled = this.#seenFrom(port);
  }

  /** The server hears this connection, and its answers don't arrive any more. @param port from which the server sees it. */
  mute(port: number): void {
    this.#muted = this.#seenFrom(port);
  }

  #seenFrom(port: number): Passage | undefined {
    return [...this.#passages].find(({ server }) => server.localPort === port);
  }

  /** Newcomers pass again; what is stalled is cut. */
  heal(): void {
    for (const passage of this.#passages) {
      if (this.#mode === 'stall' || passage === this.#stalled || passage === this.#muted)
        end(passage.client, passage.server, 'destroy');
    }
    this.#mode = 'pass';
    this.#stalled = undefined;
    this.#muted = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, server } of this.#passages) end(client, server, 'destroy');
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.#target, host: '127.0.0.1' });
    const passage = { client, server };
    this.#passages.add(passage);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#passages.delete(passage);
        client.destroy();
        server.destroy();
      });
    }
    void this.#pass(passage, client, server);
    void this.#pass(passage, server, client);
  }

  #holds(passage: Passage, from: Socket): boolean {
    if (this.#muted === passage) return from === passage.server;
    return this.#mode === 'stall' || this.#stalled === passage;
  }

  async #pass(passage: Passage, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        if (this.#mode === 'delay') await sleep(chunkDelayMs);
        if (this.#mode === 'throttle') await sleep((chunk.length / bytesPerSecond) * 1000);
        // Held, not dropped: the peers' kernels go on acknowledging until their buffers are full.
        while (this.#holds(passage, from) && !from.destroyed) await sleep(10);
        if (!to.write(chunk)) await writable(to);
      }
      to.end();
    } catch {
      to.destroy();
    }
  }
}

function end(client: Socket, server: Socket, how: 'destroy' | 'reset'): void {
  for (const socket of [client, server]) {
    if (how === 'reset') socket.resetAndDestroy();
    else socket.destroy();
  }
}

function writable(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.removeListener('drain', done);
      socket.removeListener('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
    if (socket.destroyed) done();
  });
}
