// Gradients that only a backward pass has seen: given up as soon as nothing waits for them, so that
// they never leave the heap. Only large ones are counted; small ones are the garbage collector's.
import { trackCreations, type Storage } from "../storage/storage.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The temporaries of one pass, each with the number of gradients under way that use it. */
export class Temporaries {
  private readonly made: Storage[] = [];
  private readonly uses = new Map<Storage, number>();
  private outer: Storage[] | null = null;

  /** What is made from here on is a temporary, until `settle`. */
  track(): void {
    this.outer = trackCreations(this.made);
  }

  /** Gives up what was made since `track`, but not the values of the gradient that came of it. */
  settle(result: Tensor | null): void {
    trackCreations(this.outer);
    if (this.made.length === 0) return;
    for (const storage of this.made) {
      if (storage === result?.storage.memory) this.uses.set(storage, 0);
      else storage.release();
    }
    this.made.length = 0;
  }

  /** Counts a gradient that waits for its node. */
  hold({ storage: { memory } }: Tensor): void {
    const count = this.uses.get(memory);
    if (count !== undefined) this.uses.set(memory, count + 1);
  }

  /** A gradient was used: its values go when no other gradient shares them. */
  drop({ storage: { memory } }: Tensor): void {
    const count = this.uses.get(memory);
    if (count === undefined) return;
    if (count > 1) this.uses.set(memory, count - 1);
    else {
      this.uses.delete(memory);
      memory.release();
    }
  }

  /** The gradients that arrived at a node were used. */
  dropAll(gradients: readonly (Tensor | null)[]): void {
    for (const gradient of gradients) if (gradient !== null) this.drop(gradient);
  }

  /** Others may hold the gradients that arrived at a node from now on. */
  escapeAll(gradients: readonly (Tensor | null)[]): void {
    for (const gradient of gradients) if (gradient !== null) this.escape(gradient);
  }

  /** Others hold this gradient from now on. */
  escape({ storage: { memory } }: Tensor): void {
    this.uses.delete(memory);
  }
}
