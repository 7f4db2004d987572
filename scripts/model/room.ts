/** Bytes on staging's disk: what is there, and what a refresh adds before anything goes. */
export interface Room {
  /** Size of the disk. */
  readonly disk: number;
  /** All databases of the server, those kept for a rollback among them. */
  readonly used: number;
  /** The next database: at most as large as production's, whose indexes and tables have had time to bloat. */
  readonly next: number;
}

export type RoomVerdict = 'enough' | 'tight' | 'none';

/** WAL, temporary files of index builds and the server's own need some of the disk, too. */
const tightShare = 0.85;

/** The peak is live + previous + next: nothing is dropped before staging is new. */
export function judgeRoom({ disk, used, next }: Room): RoomVerdict {
  const peak = used + next;
  if (peak > disk) return 'none';
  return peak > disk * tightShare ? 'tight' : 'enough';
}
