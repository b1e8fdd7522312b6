// Copying values out of the heap into arrays of the host, as fast as the host allows.
//
// Engines copy from shared memory word by word, and clear a new array before it is filled. Node's
// `fill` by a buffer of the same length is a plain `memcpy`, and its buffers need no clearing: from
// 16 KB on both together take less time, of megabytes half.
import { allocate, arrays, itemSize, type DType, type TypedArray } from "../dtype.ts";
import { nodeModule } from "../kernels/threads/launch.ts";

/** Bytes from which Node's buffers are quicker. */
const LARGE = 16384;

interface NodeBuffer extends Uint8Array<ArrayBuffer> {
  fill(value: Uint8Array | number): this;
}

interface NodeBuffers {
  readonly Buffer: {
    allocUnsafeSlow(bytes: number): NodeBuffer;
    from(buffer: ArrayBufferLike, start: number, bytes: number): NodeBuffer;
  };
}

let known: NodeBuffers | null | undefined;

function nodeBuffers(bytes: number): NodeBuffers | null {
  if (bytes < LARGE) return null;
  return known ??= nodeModule<NodeBuffers>("node:buffer") ?? null;
}

/** Copies bytes of the heap to an array of the same length in bytes. */
export function copyToHost(source: Uint8Array, { buffer, byteOffset }: TypedArray): void {
  const node = nodeBuffers(source.length);
  if (node !== null) node.Buffer.from(buffer, byteOffset, source.length).fill(source);
  else new Uint8Array(buffer, byteOffset, source.length).set(source);
}

/**
 * A new array with a copy of bytes of the heap.
 * @throws when there is no memory for it
 */
export function newCopy(source: Uint8Array, dtype: DType): TypedArray {
  const node = nodeBuffers(source.length);
  if (node !== null) {
    try {
      const target = node.Buffer.allocUnsafeSlow(source.length).fill(source);
      return new arrays[dtype](target.buffer);
    } catch { /* `allocate` says what is wrong */ }
  }
  const target = allocate(dtype, source.length / itemSize(dtype));
  copyToHost(source, target);
  return target;
}
