// Compiled conversions of words to numbers, in place: uniforms, masks and normals.
import { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import { get, i32, loopWhile, memory, op, set, shuffle } from "../../wasm/instructions.ts";
import { LaneGraph, type Lanes } from "../../wasm/lanes.ts";
import { boxMuller, fused, narrow, widen } from "./box-muller.ts";

/** `run(address, fours, width, low)`: words become float32 uniforms `u · width + low`. */
export function uniformsModule(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(["i32", "i32", "f32", "f32"]);
  const graph = new LaneGraph(f);
  const word = f.local("v128");
  const unit = graph.local(word).as("i32x4").and(0xffffff)
    .apply("f32x4.convert_i32x4_s", "f32x4").mul(2 ** -24);
  const value = narrow(fused(widen(unit), widen(graph.parameter(2)), widen(graph.parameter(3))));
  const { head, body } = graph.emit([[value, word]]);
  return f.module([head, loopWhile(get(1),
    set(word, memory("v128.load", 0, get(0))),
    body,
    memory("v128.store", 0, get(0), get(word)),
    advance(0, 16), advance(1, -1))]);
}

/**
 * `run(address, fours, limitLow, limitHigh, one)`: pairs of words become float32 `one` where the
 * 53-bit integer they make is below the limit, else 0; the values are half as long.
 */
export function masksModule(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(["i32", "i32", "i32", "i32", "f32"]);
  const graph = new LaneGraph(f);
  const [first, second, bound] = f.many(3, "v128");
  const out = f.local("i32");
  const limit = graph.local(bound).as("i64x2");
  // The high word comes first; the lower one is the first half of a 64-bit lane.
  const below = (local: number): Lanes => {
    const pairs = graph.local(local).as("i32x4");
    return pairs.shuffle([1, 0, 3, 2], pairs).as("i64x2").and(2n ** 53n - 1n)
      .apply("i64x2.lt_s", "i32x4", limit);
  };
  const mask = below(first).shuffle([0, 2, 4, 6], below(second));
  const { head, body } = graph.emit([[mask.and(graph.parameter(4)), first]]);
  const splat = (local: number): Code => op("i32x4.splat", get(local));
  return f.module([head, set(out, get(0)),
    set(bound, shuffle([0, 4, 0, 4], splat(2), splat(3))),
    loopWhile(get(1),
      set(first, memory("v128.load", 0, get(0))),
      set(second, memory("v128.load", 16, get(0))),
      body,
      memory("v128.store", 0, get(out), get(first)),
      advance(0, 32), advance(out, 16), advance(1, -1))]);
}

/**
 * `run(address, blocks, mean, std)`: uniforms of `[0, 1)` become normals, in blocks of eight radii
 * and eight angles.
 */
export function normalsModule(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(["i32", "i32", "f32", "f32"]);
  const graph = new LaneGraph(f);
  const values = f.many(4, "v128"); // radii, then angles
  const [mean, std] = [widen(graph.parameter(2)), widen(graph.parameter(3))];
  const inputs = values.map((local) => graph.local(local));
  const pairs = [0, 1].map((k) => boxMuller(inputs[k], inputs[k + 2]));
  const results = [...pairs.map(({ cosine }) => cosine), ...pairs.map(({ sine }) => sine)];
  const { head, body } = graph.emit(results.map((value, k) =>
    [narrow(fused(widen(value), std, mean)), values[k]]), "by depth");
  return f.module([head, loopWhile(get(1),
    values.map((local, k) => set(local, memory("v128.load", 16 * k, get(0)))),
    body,
    values.map((local, k) => memory("v128.store", 16 * k, get(0), get(local))),
    advance(0, 64), advance(1, -1))]);
}

const advance = (local: number, by: number): Code =>
  set(local, op("i32.add", get(local), i32(by)));
