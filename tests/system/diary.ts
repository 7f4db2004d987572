import assert from 'node:assert/strict';
import type { Task } from '../../scripts/system/task-graph.ts';

export interface Worker {
  readonly name: string;
}

/** Tasks that end when told to, and a diary of what began and ended. */
export class Diary {
  readonly lines: string[] = [];
  readonly #open = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();

  task(name: string, weight: number, after: readonly Task<Worker>[] = [], alone?: string): Task<Worker> {
    return {
      name,
      weight,
      after,
      ...(alone ? { alone } : {}),
      run: () => {
        this.lines.push(`begin ${name}`);
        return new Promise((resolve, reject) => this.#open.set(name, { resolve, reject }));
      },
    };
  }

  async end(name: string, error?: Error): Promise<void> {
    const open = this.#open.get(name);
    assert(open, `${name} does not run`);
    this.#open.delete(name);
    this.lines.push(`end ${name}`);
    if (error) open.reject(error);
    else open.resolve();
    // Whatever becomes ready begins in the turns that follow.
    await new Promise((later) => setImmediate(later));
  }

  get running(): string[] {
    return [...this.#open.keys()].sort();
  }
}

export const workers = (count: number): Worker[] =>
  Array.from({ length: count }, (_, n) => ({ name: `w${n}` }));
export const turn = () => new Promise((later) => setImmediate(later));
