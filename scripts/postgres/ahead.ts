import type { Session } from './session.ts';

/**
 * Connections that are opened before they are needed, while something else is under way: opening one takes six round
 * trips. They belong to a run, known by its signal, and each is asked for by what it is for.
 */
const ahead = new WeakMap<AbortSignal, Map<string, Promise<Session>[]>>();

type Opening = () => Promise<Session>;

/** Begins to open some. That one can't be opened is told to whoever takes it. */
export function openAhead(signal: AbortSignal, what: string, count: number, open: Opening): void {
  for (let number = 0; number < count; number++) {
    const opening = open();
    opening.catch(() => undefined);
    waitingFor(signal, what).push(opening);
  }
}

/** Takes in one that somebody is done with, for whoever wants one next. */
export function handOn(signal: AbortSignal, what: string, session: Session): void {
  waitingFor(signal, what).push(Promise.resolve(session));
}

/** One that was opened ahead, or else a new one. */
export async function takeOrOpen(signal: AbortSignal, what: string, open: Opening): Promise<Session> {
  const opening = ahead.get(signal)?.get(what)?.pop();
  // At once: who is opened ahead behind this one lets it in first (login.ts).
  if (opening === undefined) return await open();
  const session = await opening;
  return session.over ? await open() : session;
}

/** Cuts what nobody has taken and nobody will. @param wanted whether somebody still will. */
export async function cutAhead(
  signal: AbortSignal,
  wanted: (what: string) => boolean = () => false,
): Promise<void> {
  for (const [what, waiting] of ahead.get(signal) ?? []) {
    if (wanted(what)) continue;
    for (const opening of waiting.splice(0)) (await opening.catch(() => undefined))?.destroy();
  }
}

function waitingFor(signal: AbortSignal, what: string): Promise<Session>[] {
  const all = ahead.get(signal) ?? new Map<string, Promise<Session>[]>();
  ahead.set(signal, all);
  const waiting = all.get(what) ?? [];
  all.set(what, waiting);
  return waiting;
}
