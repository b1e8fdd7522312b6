// Code from graphs of vectors: shared parts once, constants before loops, names that exist.
import { expect, it } from "vitest";
import { FunctionBuilder } from "../../src/wasm/assembler.ts";
import { flatten, type Code } from "../../src/wasm/encoding.ts";
import { memory, get } from "../../src/wasm/instructions.ts";
import { LaneGraph, type Lanes } from "../../src/wasm/lanes.ts";

/** How often a sequence of bytes occurs in code. */
function occurrences(code: Code, sequence: readonly number[]): number {
  const bytes = flatten(code);
  return bytes.filter((_, i) => sequence.every((byte, k) => bytes[i + k] === byte)).length;
}

const SQRT = [0xfd, 0xe3, 0x01];
const CONSTANT = [0xfd, 0x0c];

function emit(write: (x: Lanes, graph: LaneGraph) => Lanes): { head: Code; body: Code } {
  const f = new FunctionBuilder(["f32"]);
  const [input, result] = f.many(2, "v128");
  const graph = new LaneGraph(f);
  return graph.emit([[write(graph.local(input), graph), result]]);
}

/** Bits of the four lanes that `write` makes of `values`. */
function evaluate(write: (x: Lanes) => Lanes, values: readonly number[]): Float32Array {
  const heap = new WebAssembly.Memory({ initial: 1 });
  const f = new FunctionBuilder([]);
  const [input, result, address] = [...f.many(2, "v128"), f.local("i32")];
  const graph = new LaneGraph(f);
  const { head, body } = graph.emit([[write(graph.local(input)), result]]);
  const load: Code = [memory("v128.load", 0, get(address)), 0x21, input];
  const store = memory("v128.store", 16, get(address), get(result));
  const module = new WebAssembly.Module(f.module([load, head, body, store]));
  const floats = new Float32Array(heap.buffer);
  floats.set(values);
  (new WebAssembly.Instance(module, { env: { memory: heap } }).exports.run as () => void)();
  return floats.slice(4, 8);
}

it("computes a part that occurs twice once", () => {
  const { body } = emit((x) => x.sqrt().add(x.sqrt().mul(x.sqrt())));
  expect(occurrences(body, SQRT)).toBe(1);
});

it("computes what no round changes before the loop", () => {
  const { head, body } = emit((x, graph) => x.mul(graph.parameter(0).sqrt()).add(2));
  expect(occurrences(body, CONSTANT)).toBe(0);
  expect(occurrences(body, SQRT)).toBe(0);
  expect(occurrences(head, CONSTANT)).toBe(1);
  expect(occurrences(head, SQRT)).toBe(1);
});

it("refuses an instruction that does not exist", () => {
  expect(() => emit((x) => x.as("i64x2").sqrt())).toThrow("there is no instruction i64x2.sqrt");
});

const values = [-2.5, -0, 3, 1e-40];

it.each<[string, (x: Lanes) => Lanes, (x: number) => number]>([
  ["selects by a mask", (x) => x.lt(0).select(x.neg(), x.add(1)), (x) => x < 0 ? -x : x + 1],
  ["keeps -0 apart from 0 among constants", (x) => x.mul(0).add(x.mul(-0)), (x) => x * 0 + x * -0],
  ["orders pmin by its first operand", (x) => x.pmin(1), (x) => 1 < x ? 1 : x],
  ["copies signs", (x) => x.abs().withSignOf(x), (x) => x],
  ["shifts bits", (x) => x.as("i32x4").shr(31).as("f32x4").and(1),
    (x) => x < 0 || Object.is(x, -0) ? 1 : 0],
  ["shuffles lanes", (x) => x.shuffle([0, 5, 2, 7], x.neg()).shuffle([0, 5, 2, 7], x),
    (x) => x],
])("%s", (_, write, expected) => {
  const results = evaluate(write, values);
  values.forEach((value, i) =>
    expect(results[i]).toBe(Math.fround(expected(Math.fround(value)))));
});
