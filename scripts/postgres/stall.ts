import { RefreshError } from '../model/errors.ts';
import type { ServerAddress } from '../model/server-address.ts';
import type { Side } from '../model/servers.ts';
import { announcedPid, socketOf } from './pg-client.ts';
import { openSession, type Session } from './session.ts';

/** A question may take as long as the silence did, within these bounds. */
const questionSeconds = { least: 5, most: 20 };
/** How often a connection is looked at. */
const looksPerPeriod = 4;

/** What a server says about the backends behind a connection. */
interface Answer {
  /** One of them is busy with something else than waiting for us. */
  readonly working: boolean;
  /** What it waits for instead. */
  readonly reason: string;
  /** The same text twice: nothing has happened in between, and no row of a COPY that is slow to arrive has come. */
  readonly fingerprint: string;
}

interface Peer {
  /** Somebody waits for the other end now. */
  readonly awaited: () => boolean;
  /** Changes with every byte. */
  readonly progress: () => number;
  readonly over: () => boolean;
  readonly ask: () => Promise<Answer>;
  readonly giveUp: (message: string) => void;
}

/**
 * Silence is no proof of a stall: an index may take an hour, and the server says nothing meanwhile. So when nothing has
 * come for `seconds`, the server is asked over a connection of its own what the silent one is doing. No answer, or twice
 * the answer that it waits for us while we wait for it, or for a standby that does not follow, means that the silent one
 * will stay silent: it is given up.
 * TCP keepalives notice a host that is gone; this notices what goes on acknowledging packets, too.
 */
function watch(seconds: number, peer: Peer): () => void {
  let progress = peer.progress();
  let since = performance.now();
  let waiting: string | undefined;
  let asking = false;
  const atRest = () => {
    since = performance.now();
    waiting = undefined;
  };
  const look = async () => {
    if (peer.over()) return clearInterval(timer);
    const moved = peer.progress();
    if (!peer.awaited() || moved !== progress) {
      progress = moved;
      return atRest();
    }
    if (asking || performance.now() - since < seconds * 1000) return;
    asking = true;
    const silent = `did not answer for ${Math.round((performance.now() - since) / 1000)} s`;
    try {
      const { working, reason, fingerprint } = await peer.ask();
      if (working || !peer.awaited() || peer.progress() !== progress) return atRest();
      if (waiting === fingerprint) peer.giveUp(`${silent}: it waits for ${reason}`);
      waiting = fingerprint;
    } catch (error) {
      // A server that refuses is alive; only one that can't be reached tells that the silent connection is dead.
      if (!(error instanceof RefreshError) || !unreachable.has(error.code)) return atRest();
      if (peer.awaited() && peer.progress() === progress)
        peer.giveUp(`${silent}, and a new connection gets no answer either`);
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void look(), (seconds * 1000) / looksPerPeriod);
  // Whoever waits keeps the process alive; the watch alone must not.
  timer.unref();
  return () => clearInterval(timer);
}

const unreachable: ReadonlySet<string> = new Set(['host-unreachable', 'connection-lost']);

/** Breaks a session with `connection-lost` when its server falls silent for good. */
export function watchSession(
  session: Session,
  address: ServerAddress,
  database: string,
  seconds: number,
): void {
  const { client, side } = session;
  const socket = socketOf(client);
  const pid = announcedPid(client);
  watch(seconds, {
    awaited: () => session.awaited,
    progress: () => socket.bytesRead + socket.bytesWritten - socket.writableLength,
    over: () => session.over,
    ask: () => askAbout({ ...address, database }, side, 'pid::text', String(pid), seconds),
    giveUp: (message) => session.giveUp(stalled(`${side} ${message}`, session.label)),
  });
}

/**
 * The same for one of PostgreSQL's programs, whose connections call themselves `application`: `work` gets a signal that
 * ends the program.
 *
 * @throws RefreshError `connection-lost` when its server fell silent for good.
 */
export async function watchProgram<Result>(
  application: { readonly name: string; readonly address: ServerAddress; readonly side: Side },
  seconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let over = false;
  const { name, address, side } = application;
  const stop = watch(seconds, {
    awaited: () => true,
    progress: () => 0,
    over: () => over,
    ask: () => askAbout(address, side, 'application_name', name, seconds),
    giveUp: (message) => controller.abort(stalled(`${side} ${message}`, name)),
  });
  try {
    const result = await work(controller.signal);
    controller.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    over = true;
    stop();
  }
}

async function askAbout(
  address: ServerAddress,
  side: Side,
  column: 'pid::text' | 'application_name',
  value: string,
  seconds: number,
): Promise<Answer> {
  const signal = AbortSignal.timeout(
    Math.min(questionSeconds.most, Math.max(questionSeconds.least, seconds)) * 1000,
  );
  const session = await openSession(address, { side, applicationName: 'staging-refresh watch', signal });
  try {
    return await session.row<Answer>(
      `select coalesce(bool_or(state !~ '^idle' and wait_event_type is distinct from 'Client'
                               and wait_event is distinct from 'SyncRep'), false) as working,
              case when bool_or(wait_event = 'SyncRep') then 'its synchronous standby'
                   else 'us while we wait for it' end as reason,
              coalesce(string_agg(concat_ws(' ', a.pid, state, state_change, wait_event, copy.bytes_processed), ';' order by a.pid), '') as fingerprint
         from pg_catalog.pg_stat_activity a left join pg_catalog.pg_stat_progress_copy copy on copy.pid = a.pid
        where a.${column} = $1`,
      [value],
    );
  } finally {
    session.destroy();
  }
}

function stalled(message: string, object: string): RefreshError {
  return new RefreshError('connection-lost', message, {
    object,
    hint: 'the server hangs, or something between lets no data through: run it again; --stall-seconds sets how long to wait',
  });
}
