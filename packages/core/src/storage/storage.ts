// Memory of tensors: a typed array owned by the garbage collector, perhaps with a newer copy in the
// heap, and a version.
import { allocate, type DType, type TypedArray } from "../dtype.ts";
import { heapInUse, type Owner, type Slot } from "./heap.ts";
import { zeroed } from "./slab.ts";

/** Elements from which kernels may compute in the heap, so that an array is not always needed. */
const LARGE = 512;

/** Elements up to which an array is sure to be had: a failure must come at once. */
const LARGEST = 2 ** 26;

let creations: Storage[] | null = null;

/** Lists from now on every large storage that is made; gives what listed before. */
export function trackCreations(list: Storage[] | null): Storage[] | null {
  const before = creations;
  creations = list;
  return before;
}

/** Elements shared by a tensor and all its views. */
export class Storage implements Owner {
  readonly dtype: DType;
  /** Number of elements. */
  readonly length: number;
  /** Counts writes, so that a saved value that was changed since can be found. */
  version = 0;
  /** Name of the op that wrote last, for messages. */
  writer = "";
  /** The array, which may be older than the heap's copy; `null` where none was needed yet. */
  array: TypedArray | null;
  /** Where the heap has a copy. */
  slot: Slot | null = null;
  /** Whether that copy is newer than the array. */
  isNewer = false;
  /** Whether only the engine has seen these values: a gradient that nobody has looked at. */
  isPrivate = false;
  /** How often a kernel in the heap has rewritten these values. */
  rewrites = 0;
  /** The heap's clock when that was counted last. */
  rewrittenAt = 0;
  /** Whether the engine has given these values up; nobody may read them any more. */
  private isReleased = false;

  constructor(dtype: DType, array: TypedArray | null, length = array!.length) {
    this.dtype = dtype;
    this.array = array;
    this.length = length;
  }

  /** New storage of zeros; a large array is made when somebody first looks. */
  static zeros(dtype: DType, count: number): Storage {
    const isLater = count >= LARGE && count <= LARGEST;
    if (!isLater) return new Storage(dtype, zeroed(dtype, count), count);
    const storage = new Storage(dtype, null, count);
    creations?.push(storage);
    return storage;
  }

  /** Where the elements are: storages of a batch share that of the whole. */
  get memory(): Storage { return this; }

  /** The elements, up to date, for reading only. */
  get values(): TypedArray {
    return this.array === null || this.isNewer ? this.materialise() : this.array;
  }

  /** The elements, up to date, for writing: what the heap has of them is forgotten. */
  get data(): TypedArray {
    const array = this.values;
    if (this.slot !== null) heapInUse()!.forget(this);
    return array;
  }

  /** Gives up a block in the heap, if there is one, but not the values. */
  unsettle(): void {
    heapInUse()?.unsettle(this);
  }

  /** @throws when the values were given up */
  demand(): void {
    if (this.isReleased) throw new Error("internal: values were released too early");
  }

  /** Gives up values that nobody will look at again, so that they are not copied out. */
  release(): void {
    heapInUse()?.forget(this);
    this.array = null;
    this.isReleased = true;
  }

  private materialise(): TypedArray {
    this.demand();
    if (this.isNewer) heapInUse()!.fetch(this);
    return this.array ??= allocate(this.dtype, this.length);
  }
}
