/** What one contender's run took. Seconds and bytes. */
export interface Measurement {
  readonly contender: string;
  readonly round: number;
  readonly seconds: number;
  /** CPU time of both servers' processes. */
  readonly serverCpuSeconds: number;
  /** CPU time of the contender's own processes. */
  readonly clientCpuSeconds: number;
  /** Share of all cores' time that anybody on the machine used, from 0 to 1. */
  readonly machineBusy: number;
  /** Largest sum of the peaks of the contender's processes that lived at the same time. */
  readonly peakMemoryBytes: number;
  /** COPY data that passed through the contender, or the size of the dump between. */
  readonly movedBytes: number;
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
  /** Round trips that were waited for one after the other, where the servers were put further away. */
  readonly roundTrips?: number;
}

/** All rounds of one contender. */
export interface ContenderResult {
  readonly key: string;
  readonly title: string;
  readonly ours: boolean;
  readonly measurements: readonly Measurement[];
}

/** Medians of a contender's rounds, and how they compare. */
export interface Comparison {
  readonly key: string;
  readonly title: string;
  readonly ours: boolean;
  readonly seconds: number;
  readonly quickest: number;
  readonly slowest: number;
  /** Median seconds by those of the fastest peer; undefined when no peer took part. */
  readonly ratio: number | undefined;
  readonly serverCpuSeconds: number;
  readonly clientCpuSeconds: number;
  /** Share of all cores' time that the contender and both servers used. */
  readonly coresUsed: number;
  readonly machineBusy: number;
  readonly peakMemoryBytes: number;
  readonly movedBytes: number;
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
}

/** Contenders in the order given; the fastest peer is the one of the smallest median in these same rounds. */
export function compare(results: readonly ContenderResult[], cores: number): Comparison[] {
  const medianSeconds = (result: ContenderResult) => median(result.measurements.map((one) => one.seconds));
  const peers = results.filter((result) => !result.ours).map(medianSeconds);
  const fastestPeer = peers.length > 0 ? Math.min(...peers) : undefined;
  return results.map((result) => {
    const { key, title, ours, measurements } = result;
    const of = (value: (one: Measurement) => number) => median(measurements.map(value));
    const seconds = medianSeconds(result);
    return {
      key,
      title,
      ours,
      seconds,
      quickest: Math.min(...measurements.map((one) => one.seconds)),
      slowest: Math.max(...measurements.map((one) => one.seconds)),
      ratio: fastestPeer === undefined ? undefined : seconds / fastestPeer,
      serverCpuSeconds: of((one) => one.serverCpuSeconds),
      clientCpuSeconds: of((one) => one.clientCpuSeconds),
      coresUsed: of((one) => (one.serverCpuSeconds + one.clientCpuSeconds) / (one.seconds * cores)),
      machineBusy: of((one) => one.machineBusy),
      peakMemoryBytes: Math.max(...measurements.map((one) => one.peakMemoryBytes)),
      movedBytes: of((one) => one.movedBytes),
      phases: medianPhases(measurements),
    };
  });
}

/** Of an even number of values: the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 1 ? middle : middle - 1];
  if (upper === undefined || lower === undefined) throw new Error('a median needs a value');
  return (lower + upper) / 2;
}

function medianPhases(measurements: readonly Measurement[]): { name: string; seconds: number }[] {
  const [first] = measurements;
  return (first?.phases ?? []).map(({ name }) => ({
    name,
    seconds: median(measurements.map((one) => one.phases.find((phase) => phase.name === name)?.seconds ?? 0)),
  }));
}
