import { appendFileSync } from 'node:fs';

export interface LoggedRequest {
  readonly time: string;
  readonly method: string;
  /** Path and query as received; never a header and never a body, for those hold secrets. */
  readonly path: string;
  /** What the caller saw; 0 when it saw a broken connection or nothing at all. */
  readonly status: number;
  /** False when the emulation has no such call: a gap, unless the caller was wrong. */
  readonly known: boolean;
}

/** Every request since the last `clear`, in the order of their answers, and one line each in a file if there is one. */
export class RequestLog {
  readonly #file: string | undefined;
  #requests: LoggedRequest[] = [];

  constructor(file: string | undefined) {
    this.#file = file;
  }

  add(request: Omit<LoggedRequest, 'time'>): void {
    const logged = { time: new Date().toISOString(), ...request };
    this.#requests.push(logged);
    if (this.#file === undefined) return;
    const note = logged.known ? '' : ' no such call';
    appendFileSync(this.#file, `${logged.time} ${logged.method} ${logged.path} ${logged.status}${note}\n`, {
      mode: 0o600,
    });
  }

  list(): readonly LoggedRequest[] {
    return this.#requests;
  }

  clear(): void {
    this.#requests = [];
  }
}
