// Blocks of a linear memory: first fit over a sorted list of gaps, neighbours joined when freed.

/** A stretch of free bytes. */
interface Gap {
  address: number;
  bytes: number;
}

/** Blocks start at multiples of this, so that no two share a cache line. */
export const ALIGNMENT = 64;

/** The space of a memory, handed out in blocks. For few and large blocks: a search is linear. */
export class Blocks {
  private readonly gaps: Gap[] = [];
  private readonly sizes = new Map<number, number>();
  private readonly extend: (bytes: number) => boolean;
  private end: number;

  /** `extend` makes the memory reach at least so many bytes, or gives `false`. */
  constructor(start: number, extend: (bytes: number) => boolean) {
    this.end = aligned(start);
    this.extend = extend;
  }

  /** Bytes in blocks. */
  get used(): number {
    let bytes = 0;
    for (const size of this.sizes.values()) bytes += size;
    return bytes;
  }

  /** The address of a new block; -1 where the memory can't be made large enough. */
  take(wanted: number): number {
    const bytes = aligned(Math.max(wanted, 1));
    const found = this.gaps.findIndex((gap) => gap.bytes >= bytes);
    let address: number;
    if (found >= 0) {
      const gap = this.gaps[found];
      address = gap.address;
      gap.address += bytes;
      gap.bytes -= bytes;
      if (gap.bytes === 0) this.gaps.splice(found, 1);
    } else {
      const last = this.gaps.at(-1);
      const isOpen = last !== undefined && last.address + last.bytes === this.end;
      address = isOpen ? last.address : this.end;
      if (!this.extend(address + bytes)) return -1;
      if (isOpen) this.gaps.pop();
      this.end = address + bytes;
    }
    this.sizes.set(address, bytes);
    return address;
  }

  /** Gives a block back. */
  free(address: number): void {
    const bytes = this.sizes.get(address);
    if (bytes === undefined) throw new Error(`internal: no block at ${address}`);
    this.sizes.delete(address);
    const { gaps } = this;
    let at = gaps.findIndex((gap) => gap.address > address);
    if (at < 0) at = gaps.length;
    gaps.splice(at, 0, { address, bytes });
    if (at + 1 < gaps.length) this.join(at);
    if (at > 0) this.join(at - 1);
  }

  private join(at: number): void {
    const [gap, next] = [this.gaps[at], this.gaps[at + 1]];
    if (gap.address + gap.bytes !== next.address) return;
    gap.bytes += next.bytes;
    this.gaps.splice(at + 1, 1);
  }
}

/** The next multiple of the alignment. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
