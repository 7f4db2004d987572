import {
  cpuSecondsOfEndedChildren,
  cpuSecondsOfFamily,
  machineTime,
  peakMemoryOfFamily,
} from './process-usage.ts';

export interface Usage {
  readonly seconds: number;
  readonly serverCpuSeconds: number;
  readonly clientCpuSeconds: number;
  readonly machineBusy: number;
  readonly peakMemoryBytes: number;
}

const pollMs = 100;

/** Measures from `startMeter` to `stop`: wall time, CPU time and memory of whom it was told to watch. */
export interface Meter extends Disposable {
  /** A program that the contender has just started. */
  watch(pid: number): void;
  /** To be called when every watched program has ended. */
  stop(): Usage;
}

/** @param postmasters process ids of the servers, whose CPU time counts with all their backends. */
export function startMeter(postmasters: readonly number[]): Meter {
  const serverCpu = () => postmasters.reduce((sum, pid) => sum + cpuSecondsOfFamily(pid), 0);
  const watched: number[] = [];
  let peak = 0;
  const poll = () => {
    peak = Math.max(
      peak,
      watched.reduce((sum, pid) => sum + peakMemoryOfFamily(pid), 0),
    );
  };
  const timer = setInterval(poll, pollMs);
  const begin = {
    servers: serverCpu(),
    clients: cpuSecondsOfEndedChildren(),
    machine: machineTime(),
    at: performance.now(),
  };
  return {
    watch(pid) {
      watched.push(pid);
    },
    stop() {
      const seconds = (performance.now() - begin.at) / 1000;
      clearInterval(timer);
      const machine = machineTime();
      return {
        seconds,
        serverCpuSeconds: serverCpu() - begin.servers,
        clientCpuSeconds: cpuSecondsOfEndedChildren() - begin.clients,
        machineBusy: (machine.busy - begin.machine.busy) / (machine.all - begin.machine.all),
        peakMemoryBytes: peak,
      };
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
