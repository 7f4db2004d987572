import type { Socket } from 'node:net';

/** Reasons for which a socket is not read from now: it goes on when the last one is gone. */
export class Pauses {
  /** Rejects when a reason does, and the socket stays paused. */
  readonly broken: Promise<never>;
  readonly #socket: Socket;
  #waits = 0;
  #whenFree: (() => void)[] = [];
  #break: (error: unknown) => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.broken = new Promise<never>((_, reject) => {
      this.#break = reject;
    });
    this.broken.catch(() => undefined);
  }

  wait(reason: Promise<void>): void {
    this.#waits++;
    this.#socket.pause();
    reason.then(
      () => {
        if (--this.#waits > 0) return;
        this.#socket.resume();
        for (const free of this.#whenFree.splice(0)) free();
      },
      (error: unknown) => this.#break(error),
    );
  }

  /** Resolves when nothing that was read is still waiting for its turn. @throws what `broken` rejects with. */
  async over(): Promise<void> {
    if (this.#waits > 0)
      await Promise.race([this.broken, new Promise<void>((free) => this.#whenFree.push(free))]);
  }
}
