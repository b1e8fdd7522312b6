// Gradients that only a backward pass has seen: given up as soon as nothing waits for them, so that
// they never leave the heap.
import { trackCreations, type Storage } from "../storage/storage.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The temporaries of one pass, each with the number of gradients under way that use it. */
export class Temporaries {
  private readonly uses = new Map<Storage, number>();

  /** Computes a gradient; whatever else was made on the way is given up. */
  compute<T extends Tensor | null>(body: () => T): T {
    const made: Storage[] = [];
    const outer = trackCreations(made);
    let result: T;
    try {
      result = body();
    } finally {
      trackCreations(outer);
    }
    for (const storage of made) {
      if (storage === result?.storage) this.uses.set(storage, 0);
      else storage.release();
    }
    return result;
  }

  /** Counts a gradient that waits for its node. */
  hold({ storage }: Tensor): void {
    const count = this.uses.get(storage);
    if (count !== undefined) this.uses.set(storage, count + 1);
  }

  /** A gradient was used: its values go when no other gradient shares them. */
  drop({ storage }: Tensor): void {
    const count = this.uses.get(storage);
    if (count === undefined) return;
    if (count > 1) this.uses.set(storage, count - 1);
    else {
      this.uses.delete(storage);
      storage.release();
    }
  }

  /** Whether nothing else uses the values of a gradient that waits. */
  isOnlyUse({ storage }: Tensor): boolean {
    return this.uses.get(storage) === 1;
  }

  /** Others hold this gradient from now on. */
  escape({ storage }: Tensor): void {
    this.uses.delete(storage);
  }
}
