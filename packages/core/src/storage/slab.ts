// Arrays of small tensors, cut from slabs: V8 takes 25 ns for an array of up to 64 bytes and 600 ns
// for a longer one, which it keeps outside its heap; a view on a slab takes 60.
import { allocate, arrays, itemSize, type DType, type TypedArray } from "../dtype.ts";

/**
 * Bytes of a slab. A tensor that is kept keeps its whole slab: at worst 4 KB for each, where a
 * larger slab would be hardly faster.
 */
const SLAB = 4096;

/** Bytes of the largest array that V8 keeps in its own heap. */
const IN_HEAP = 64;

/** Bytes of the largest array that is cut from a slab: at most this much is wasted at its end. */
const LARGEST = 512;

/** Arrays start at multiples of this, the size of the largest element. */
const ALIGNMENT = 8;

let slab = new ArrayBuffer(0);
let used = 0;

/**
 * New zeroed array for `count` elements, perhaps a view on memory that others hold parts of too. No
 * byte of a slab is handed out twice, so that all of them are still zero.
 * @throws when there is no memory for so many
 */
export function zeroed(dtype: DType, count: number): TypedArray {
  const bytes = count * itemSize(dtype);
  if (bytes <= IN_HEAP || bytes > LARGEST) return allocate(dtype, count);
  if (used + bytes > slab.byteLength) {
    slab = new ArrayBuffer(SLAB);
    used = 0;
  }
  const array = new arrays[dtype](slab, used, count);
  used += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  return array;
}
