// A memory in which tests run steps, and check every byte of it against a reference.
import { expect } from "vitest";
import type { HeapKernel, Step } from "../../src/kernels/heap-kernel.ts";

const PAGES = 192;

/** A memory, plain or shared, and the instances over it. */
interface Arena {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly runs: Map<HeapKernel, (...args: number[]) => void>;
}

function arena(shared: boolean): Arena {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared });
  return { memory, bytes: new Uint8Array(memory.buffer), runs: new Map() };
}

const arenas = { plain: arena(false), shared: arena(true) };

/** Bytes that a test may use, from address 0. */
export const SIZE = PAGES * 65536;

function run({ memory, runs }: Arena, steps: readonly Step[], reversed: boolean): void {
  for (const { kernel, calls } of steps) {
    let call = runs.get(kernel);
    if (call === undefined) {
      const module = new WebAssembly.Module(kernel.bytes);
      call = new WebAssembly.Instance(module, { env: { memory } }).exports.run as never;
      runs.set(kernel, call!);
    }
    for (const args of reversed ? calls.toReversed() : calls) call!(...args);
  }
}

/** Numbers behind an address, as a reference changes them. */
export interface Views {
  readonly bytes: Uint8Array;
  readonly floats: Float32Array;
  readonly integers: Int32Array;
}

function views(buffer: ArrayBufferLike, size: number): Views {
  return { bytes: new Uint8Array(buffer, 0, size), floats: new Float32Array(buffer, 0, size / 4),
    integers: new Int32Array(buffer, 0, size / 4) };
}

/**
 * Runs steps over `size` bytes of any content, which `prepare` completes, and expects what
 * `reference` makes of the same bytes: in order, in reverse, and with every call done twice.
 */
export function expectSteps(
  size: number, plan: (shared: boolean) => Step[], reference: (memory: Views) => void,
  prepare: (memory: Views) => void = () => {},
): void {
  const expected = new Uint8Array(size);
  for (let i = 0; i < size; i++) expected[i] = (i * 167 + (i >> 8) * 13) & 0x3f; // no NaN
  const before = views(expected.buffer, size);
  prepare(before);
  const initial = expected.slice();
  reference(before);
  for (const isShared of [false, true]) {
    const own = isShared ? arenas.shared : arenas.plain;
    const steps = plan(isShared);
    const twice = steps.map(({ kernel, calls }) => ({ kernel, calls: calls.concat(calls) }));
    for (const [work, reversed] of [[steps, false], [twice, true]] as const) {
      own.bytes.set(initial);
      run(own, work, reversed);
      expectEqual(own.bytes.subarray(0, size), expected);
    }
  }
}

/** Compares fast, and says where the first difference lies. */
function expectEqual(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const at = expected.findIndex((byte, i) => byte !== actual[i]);
  expect.fail(`byte ${at} is ${actual[at]}, expected ${expected[at]}`);
}
