// Pointwise kernels in WebAssembly SIMD: float32 and bool operands anywhere in a memory.
import { variablesOf, type Expression } from "../expression/expression.ts";
import { primitives } from "../expression/primitives.ts";
import { FunctionBuilder } from "../wasm/assembler.ts";
import { flatten } from "../wasm/encoding.ts";
import {
  block, brIf, get, i32, loopWhile, op, set, when, type ValueType,
} from "../wasm/instructions.ts";
import { LaneGraph, type Lanes } from "../wasm/lanes.ts";
import type { Call, HeapKernel, Step } from "./heap-kernel.ts";
import type { Loops } from "./operand.ts";
import type { PointwiseProgram } from "./pointwise.ts";
import {
  elementBytes, loadFour, loadRepeated, loadRest, storeFour, storeRest, type Access, type Port,
} from "./simd/access.ts";
import { asMask, asNumber, lower } from "./simd/lowering.ts";
import { evaluator, scalarParts, type Evaluator } from "./simd/scalars.ts";

/** A compiled program. */
export interface SimdKernel extends HeapKernel {
  /** Writes the float32 parameters for values of the program's scalars. */
  readonly scalars: Evaluator;
  /** Bytes of an element of each operand. */
  readonly sizes: readonly number[];
  /** Number of outputs. */
  readonly outputs: number;
  /** Number of arguments of `run`. */
  readonly arity: number;
}

/** Elements of one call: 20 to 50 µs, so that threads can share the work of a large operation. */
const PIECE = 32768;

/** Elements from which an operation is several calls. */
export const SHAREABLE = 2 * PIECE;

/**
 * `run(outer, inner, …, …)`: sizes of the two innermost loops; for each operand its address and
 * the outer and the inner step, in bytes; then the float32 scalars.
 */
export type SimdRun = (...args: number[]) => void;

/**
 * How the innermost loop walks each operand, the part of a kernel that depends on strides.
 * `classes` is the operands' `signature`; `null` where one is neither float32 nor bool.
 */
export function simdPattern(classes: string, loops: Loops): string | null {
  if (!/^[fb]*$/.test(classes)) return null;
  const inner = loops.shape.length - 1;
  let pattern = "";
  for (let k = 0; k < classes.length; k++) {
    const stride = inner < 0 ? 1 : loops.strides[k][inner];
    const letter = stride === 1 ? "c" : stride === 0 ? "r" : "s";
    pattern += classes[k] === "b" ? letter.toUpperCase() : letter;
  }
  return pattern;
}

const kernels = new WeakMap<PointwiseProgram, Map<string, SimdKernel>>();

/**
 * The kernel of a program for operands of one pattern, over a memory that is shared or not.
 *
 * Method: float32 arithmetic, one rounding per operation; parts that are made of scalars only are
 * computed in float64 before. No element's result depends on its lane or on its neighbours.
 */
export function simdKernel(
  program: PointwiseProgram, pattern: string, shared: boolean,
): SimdKernel {
  let known = kernels.get(program);
  if (known === undefined) kernels.set(program, known = new Map());
  const key = shared ? `${pattern}!` : pattern;
  let kernel = known.get(key);
  if (kernel === undefined) known.set(key, kernel = build(program, pattern, shared));
  return kernel;
}

/** What kernels import: the memory, `Math`, and scalar functions that JavaScript lacks. */
export function simdImports(memory: WebAssembly.Memory): WebAssembly.Imports {
  return { env: { memory }, Math: Math as unknown as WebAssembly.ModuleImports, scalar };
}

const scalar = Object.fromEntries(
  Object.entries(primitives).map(([name, { evaluate }]) => [name, evaluate]));

/**
 * The calls that run a kernel over all loops, in pieces that depend on the sizes alone. `addresses`
 * are in bytes, of outputs and inputs; an output may be an input, element by element, but must not
 * overlap one otherwise.
 */
export function planPointwise(
  kernel: SimdKernel, loops: Loops, addresses: readonly number[], scalars: readonly number[],
): Step[] {
  const { shape, strides } = loops;
  const first = simdArguments(kernel, loops, addresses, scalars);
  const calls: Call[] = [];
  const further = shape.length - 2;
  if (further <= 0) pieces(first, kernel.sizes.length, calls);
  else {
    const index = new Array<number>(further).fill(0);
    for (let dim = 0; dim >= 0;) {
      pieces(first.slice(), kernel.sizes.length, calls);
      for (dim = further - 1; dim >= 0; dim--) {
        const steps = ++index[dim] < shape[dim] ? 1 : 1 - shape[dim];
        for (let k = 0; k < addresses.length; k++) {
          first[2 + 3 * k] += strides[k][dim] * steps * kernel.sizes[k];
        }
        if (steps === 1) break;
        index[dim] = 0;
      }
    }
  }
  const outputs = addresses.slice(0, kernel.outputs);
  const isInPlace = addresses.slice(kernel.outputs).some((address) => outputs.includes(address));
  return [{ kernel, calls, isInPlace }];
}

/** Cuts a call into pieces: whole rows, or parts of one row at multiples of four elements. */
function pieces(call: number[], operands: number, calls: Call[]): void {
  const [outer, inner] = call;
  if (outer * inner < SHAREABLE) {
    calls.push(call);
    return;
  }
  const isSplitInside = inner >= SHAREABLE;
  const size = isSplitInside ? PIECE : Math.max(1, Math.floor(PIECE / inner));
  const rows = isSplitInside ? outer : 1;
  const end = isSplitInside ? inner : outer;
  for (let row = 0; row < rows; row++) {
    for (let start = 0; start < end; start += size) {
      const piece = call.slice();
      const count = Math.min(size, end - start);
      [piece[0], piece[1]] = isSplitInside ? [1, count] : [count, inner];
      for (let at = 2; at < 2 + 3 * operands; at += 3) {
        piece[at] += isSplitInside ? row * call[at + 1] + start * call[at + 2]
          : start * call[at + 1];
      }
      calls.push(piece);
    }
  }
}

/** The arguments of `run` for the two innermost loops, at the start of all others. */
export function simdArguments(
  kernel: SimdKernel, loops: Loops, addresses: readonly number[], scalars: readonly number[],
): number[] {
  const { shape, strides } = loops;
  const { sizes } = kernel;
  const inner = shape.length - 1;
  const args = new Array<number>(kernel.arity);
  args[0] = inner < 1 ? 1 : shape[inner - 1];
  args[1] = inner < 0 ? 1 : shape[inner];
  for (let k = 0, at = 2; k < sizes.length; k++, at += 3) {
    args[at] = addresses[k];
    args[at + 1] = inner < 1 ? 0 : strides[k][inner - 1] * sizes[k];
    args[at + 2] = inner < 0 ? 0 : strides[k][inner] * sizes[k];
  }
  kernel.scalars(scalars, args, 2 + 3 * sizes.length);
  return args;
}

/**
 * Method: loops over rows; in each, rounds of four elements, then up to three single ones. The
 * code of the expressions stands twice, so that the rounds have no branch.
 */
function build(program: PointwiseProgram, pattern: string, shared: boolean): SimdKernel {
  const { outputs, tensors } = program;
  const parts = scalarParts(outputs, program.scalars);
  const floats = parts.map((): ValueType => "f32");
  const f = new FunctionBuilder(
    new Array<ValueType>(2 + 3 * pattern.length).fill("i32").concat(floats));
  const [outer, inner] = [0, 1];
  const left = f.local("i32");
  const ports = Array.from(pattern, (access, k): Port => ({
    access: (k < outputs.length ? access.replace("r", "s").replace("R", "S") : access) as Access,
    position: f.local("i32"), step: 4 + 3 * k, value: f.local("v128"),
  }));
  const read = variablesOf(...outputs);
  const inputs = ports.slice(outputs.length).filter((_, k) => read.has(tensors[k]));
  const writes = ports.slice(0, outputs.length);

  const { head, body } = compute(program, parts, f, ports);
  const four = flatten(body); // it stands twice
  const code = [head, loopWhile(get(outer),
    ports.map((port, k) => set(port.position, get(2 + 3 * k))),
    loadRepeated(inputs),
    set(left, op("i32.shr_u", get(inner), i32(2))),
    when(get(left), loopWhile(get(left),
      loadFour(inputs), four, storeFour(writes),
      set(left, op("i32.sub", get(left), i32(1))))),
    set(left, op("i32.and", get(inner), i32(3))),
    when(get(left), [loadRest(inputs, left), four, storeRest(writes, left)]),
    ports.map((_, k) => set(2 + 3 * k, op("i32.add", get(2 + 3 * k), get(3 + 3 * k)))),
    set(outer, op("i32.sub", get(outer), i32(1))))];
  return {
    bytes: f.module(block(brIf(0, op("i32.eqz", get(outer))), code), shared),
    usesScratch: false,
    needsScalars: f.importedFunctions.some(({ module }) => module === "scalar"),
    scalars: evaluator(parts, program.scalars),
    sizes: ports.map(({ access }) => elementBytes(access)),
    outputs: outputs.length,
    arity: 2 + 3 * ports.length + parts.length,
  };
}

/** Code that computes the vectors of the outputs from those of the inputs. */
function compute(
  program: PointwiseProgram, parts: readonly Expression[], f: FunctionBuilder,
  ports: readonly Port[],
) {
  const { outputs, tensors } = program;
  const graph = new LaneGraph(f);
  const firstScalar = 2 + 3 * ports.length;
  const leaf = (node: Expression): Lanes | undefined => {
    const part = parts.indexOf(node);
    if (part >= 0) return graph.parameter(firstScalar + part);
    if (node.kind !== "variable") return undefined;
    const input = tensors.indexOf(node.name);
    return graph.local(ports[outputs.length + input].value);
  };
  const results = lower(outputs, graph, f, leaf);
  return graph.emit(results.map((lanes, k) => [
    ports[k].access <= "Z" ? packed(asMask(lanes)) : asNumber(lanes), ports[k].value]));
}

/** Truth values as bytes 0 and 1 in the first four bytes. */
function packed(mask: Lanes): Lanes {
  const ones = mask.and(1);
  const halves = ones.apply("i16x8.narrow_i32x4_u", "i32x4", ones);
  return halves.apply("i8x16.narrow_i16x8_u", "i32x4", halves);
}
