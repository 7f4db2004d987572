import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type pg from 'pg';

/** Whether `pg` sends statements without waiting for the answers to those before; COPY is no such statement. */
export function pipelined(client: pg.Client, on: boolean): void {
  (client as unknown as { pipeline: boolean }).pipeline = on;
}

/** The socket under a client: `pg` keeps it where its types do not show it. */
export function socketOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

/** Settings that the server says by itself whenever they change (manual, "Asynchronous Operations"), from now on. */
export function reportedSettings(client: pg.Client): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  const { connection } = client as unknown as { connection: EventEmitter };
  connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
    settings.set(message.parameterName, message.parameterValue);
  });
  return settings;
}

/** The process id that the server announced at start-up; a pooler announces one of its own making. */
export function announcedPid(client: pg.Client): number {
  return (client as unknown as { processID: number }).processID;
}
