/** Of the seconds left: how much a new look at them counts against what was thought before. */
const trust = 0.15;
/** The same of a look by who knows the work: it changes its mind at once, and people should not see that. */
const trustInForecast = 0.06;
/** Bytes a second are those of the last few seconds. */
const windowMs = 4000;
/** Before that nobody can tell. */
const leastShare = 0.02;
const leastMs = 2000;

interface Look {
  readonly at: number;
  readonly share: number;
  readonly bytes: number;
}

/** How fast it goes and how long it will take, from what was seen so far. */
export class Pace {
  readonly #begun: number;
  readonly #looks: Look[];
  #left: number | undefined;

  /** @param now milliseconds. */
  constructor(now: number) {
    this.#begun = now;
    this.#looks = [{ at: now, share: 0, bytes: 0 }];
  }

  /**
   * Takes notice of how far the work is: `share` of it, from 0 to 1.
   *
   * @param left what somebody who knows the work takes for the seconds left.
   */
  see(now: number, share: number, bytes: number, left?: number): void {
    const passed = (now - (this.#looks.at(-1)?.at ?? now)) / 1000;
    this.#looks.push({ at: now, share, bytes });
    if ((left === undefined && share < leastShare) || now - this.#begun < leastMs) return;
    const straight = left ?? this.#straight(now, share);
    // What was thought counts down by itself, and is drawn to what the speed says: no jumps.
    const before = this.#left === undefined ? straight : Math.max(0, this.#left - passed);
    // Towards the end what is seen is better than what was thought.
    const weight = left === undefined ? Math.max(trust, share ** 2) : Math.max(trustInForecast, share ** 6);
    this.#left = before + (straight - before) * weight;
  }

  get secondsLeft(): number | undefined {
    return this.#left;
  }

  get bytesPerSecond(): number {
    const last = this.#looks.at(-1);
    const first = this.#looks.findLast(({ at }) => last && last.at - at >= windowMs) ?? this.#looks[0];
    if (!first || !last || last.at - first.at < 1) return 0;
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
  }

  /** As fast as in the later half of the time so far: rows and indexes don't go at one speed. */
  #straight(now: number, share: number): number {
    const middle = this.#begun + (now - this.#begun) / 2;
    while (this.#looks[1] && this.#looks[1].at <= middle && now - this.#looks[1].at > windowMs)
      this.#looks.shift();
    const from = this.#looks[0];
    if (!from || share <= from.share) return this.#left ?? ((now - this.#begun) / 1000) * (1 / share - 1);
    return ((1 - share) * (now - from.at)) / (share - from.share) / 1000;
  }
}
