import { connect, createServer, type Server, type Socket } from 'node:net';
import { listenOnLoopback } from '../local/loopback-port.ts';
import type { Ports } from './contender.ts';

/** As much as TCP lets be under way on a connection of a long line (Linux: net.ipv4.tcp_rmem, tcp_wmem). */
const mostUnderWay = 6 * 1024 * 1024;

/**
 * A loopback TCP proxy that puts a server further away: every byte arrives half a round trip after it was sent, and the
 * line takes as many at the same time as a long line does, so that what gets slower is waiting, not bandwidth. TLS goes
 * through it untouched. It counts the round trips that were waited for.
 */
export class DistantServer implements AsyncDisposable {
  readonly port: number;
  readonly #target: number;
  readonly #oneWayMs: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #trips: Trips;

  private constructor(server: Server, port: number, target: number, roundTripMs: number, trips: Trips) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    this.#oneWayMs = roundTripMs / 2;
    this.#trips = trips;
    server.on('connection', (client) => this.#accept(client));
  }

  /** @param trips counts for several servers together, where one trip to each at the same time is one. */
  static async open(
    target: number,
    roundTripMs: number,
    trips = new Trips(roundTripMs),
  ): Promise<DistantServer> {
    const server = createServer();
    return new DistantServer(server, await listenOnLoopback(server), target, roundTripMs, trips);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.#target, host: '127.0.0.1' });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    let answered = true;
    // Opening a connection takes a round trip by itself, which nobody sees here: the first bytes wait for it.
    const opened = performance.now() + 2 * this.#oneWayMs;
    this.#trips.begin();
    carry(client, server, this.#oneWayMs, opened, () => {
      if (answered) this.#trips.begin();
      answered = false;
    });
    carry(server, client, this.#oneWayMs, opened, () => {
      answered = true;
    });
  }
}

/** Round trips one after the other: what is sent while one is under way, on whatever connection, is part of it. */
export class Trips {
  count = 0;
  /** Sent after an answer, on all connections: what `count` would be if nothing were done at the same time. */
  sent = 0;
  #until = 0;
  readonly #roundTripMs: number;

  constructor(roundTripMs: number) {
    this.#roundTripMs = roundTripMs;
  }

  begin(): void {
    this.sent++;
    const now = performance.now();
    if (now < this.#until) return;
    this.count++;
    this.#until = now + this.#roundTripMs;
  }
}

/** Both servers of a benchmark, as far away as is asked for. */
export class Distance implements AsyncDisposable {
  readonly ports: Ports;
  readonly #servers: readonly DistantServer[];
  readonly #trips: Trips | undefined;

  private constructor(ports: Ports, servers: readonly DistantServer[], trips?: Trips) {
    this.ports = ports;
    this.#servers = servers;
    this.#trips = trips;
  }

  /** @param roundTripMs undefined: nothing stands between. */
  static async open(
    pair: { readonly production: { readonly port: number }; readonly staging: { readonly port: number } },
    roundTripMs: number | undefined,
  ): Promise<Distance> {
    const ports = { production: pair.production.port, staging: pair.staging.port };
    if (roundTripMs === undefined) return new Distance(ports, []);
    const trips = new Trips(roundTripMs);
    const production = await DistantServer.open(ports.production, roundTripMs, trips);
    const staging = await DistantServer.open(ports.staging, roundTripMs, trips);
    const reached = { production: production.port, staging: staging.port };
    return new Distance(reached, [production, staging], trips);
  }

  /** So far, one after the other; undefined where nobody counts. */
  get roundTrips(): number | undefined {
    return this.#trips?.count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server[Symbol.asyncDispose]();
  }
}

interface UnderWay {
  readonly chunk: Buffer;
  readonly arrives: number;
}

/** Hands on what one socket gets to the other, each chunk `delay` ms later, in order. */
function carry(from: Socket, to: Socket, delay: number, opened: number, onChunk: () => void): void {
  const queue: UnderWay[] = [];
  let bytes = 0;
  let over = false;
  const deliver = () => {
    const now = performance.now();
    // A timer may fire up to a millisecond early.
    for (let next = queue[0]; next && next.arrives <= now + 0.5; next = queue[0]) {
      queue.shift();
      const { length } = next.chunk;
      if (to.destroyed) continue;
      to.write(next.chunk, () => {
        bytes -= length;
        if (bytes < mostUnderWay && from.isPaused()) from.resume();
      });
    }
    const [head] = queue;
    // Time went by while chunks were handed on: the next one may be late already.
    if (head) setTimeout(deliver, Math.max(0, head.arrives - performance.now()));
    else if (over) to.end();
  };
  from.on('data', (chunk: Buffer) => {
    onChunk();
    const arrives = Math.max(performance.now(), opened) + delay;
    bytes += chunk.length;
    queue.push({ chunk, arrives });
    if (bytes >= mostUnderWay) from.pause();
    if (delay === 0) deliver();
    else if (queue.length === 1) setTimeout(deliver, Math.max(0, arrives - performance.now()));
  });
  from.once('end', () => {
    over = true;
    if (queue.length === 0) to.end();
  });
}
