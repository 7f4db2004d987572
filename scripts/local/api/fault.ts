import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { Answer } from './route.ts';

/**
 * What a test wants to go wrong. `before`: the request is not processed. `after`: it is, and then its answer is lost
 * or replaced, as when a connection breaks at the wrong moment.
 * - `reset`: the connection is reset;
 * - `status`: `status`, `headers` and `body` are answered instead;
 * - `hang`: no answer ever comes;
 * - `delay`: the answer comes `seconds` later.
 */
export const faultSchema = z.strictObject({
  method: z.string().toUpperCase().default('*'),
  /** A regular expression looked for in path and query, as received. */
  path: z.string().refine(isPattern, 'is not a regular expression'),
  when: z.enum(['before', 'after']).default('before'),
  kind: z.enum(['reset', 'status', 'hang', 'delay']),
  status: z.int().min(200).max(599).default(500),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown().optional(),
  seconds: z.number().min(0).max(3600).default(1),
  /** How often it strikes; the first matching requests are struck. */
  times: z.int().min(1).default(1),
});

export type Fault = z.infer<typeof faultSchema>;

/** What becomes of the request: answered instead, dropped without an answer, or left to go on. */
export type FaultOutcome = Answer | 'reset' | 'hang' | undefined;

/** The scripted faults of one server. They live in memory: a restarted server is a healthy one. */
export class Faults {
  #waiting: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times });
  }

  clear(): void {
    this.#waiting = [];
  }

  list(): readonly Fault[] {
    return this.#waiting.map(({ fault, left }) => ({ ...fault, times: left }));
  }

  async strike(when: Fault['when'], method: string, path: string): Promise<FaultOutcome> {
    const hit = this.#waiting.find(({ fault }) => fault.when === when && matches(fault, method, path));
    if (!hit) return undefined;
    hit.left -= 1;
    if (hit.left === 0) this.#waiting = this.#waiting.filter((each) => each !== hit);
    return outcome(hit.fault);
  }
}

async function outcome(fault: Fault): Promise<FaultOutcome> {
  switch (fault.kind) {
    case 'reset':
    case 'hang':
      return fault.kind;
    case 'delay':
      await sleep(fault.seconds * 1000, undefined, { ref: false });
      return undefined;
    case 'status':
      return {
        status: fault.status,
        headers: fault.headers,
        ...(fault.body !== undefined && { body: fault.body }),
      };
  }
}

function matches(fault: Fault, method: string, path: string): boolean {
  return (fault.method === '*' || fault.method === method) && new RegExp(fault.path).test(path);
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
