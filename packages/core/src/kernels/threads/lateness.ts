// How many workers to call when the machine has other things to do.
//
// A worker whose processor was given to another program keeps the caller waiting. What that may
// cost is a fixed share of the time that passes: when it is used up there are fewer helpers, and
// more again when it has been saved up.

/** Share of all time that may be lost waiting for late workers. */
const SHARE = 0.2;

/** Milliseconds saved up at most; with none lost it takes five times as long to save them. */
const FULL = 4;

/** A record of time lost, in milliseconds. */
export class Lateness {
  /** Most helpers of a step. */
  limit = Infinity;
  private left = FULL;
  private last = 0;

  /** How many of the helpers that could be called should be. */
  helpers(available: number, now: number): number {
    this.left = Math.min(FULL, this.left + SHARE * (now - this.last));
    this.last = now;
    if (this.limit < available && this.left === FULL) {
      this.limit = 2 * this.limit + 1;
      this.left = 0;
    }
    return Math.min(available, this.limit);
  }

  /** Records how late a step with so many helpers was; less than nothing is no gain. */
  lose(milliseconds: number, helpers: number): void {
    this.left -= Math.max(0, milliseconds);
    if (this.left < 0) this.limit = helpers >> 1;
  }
}
