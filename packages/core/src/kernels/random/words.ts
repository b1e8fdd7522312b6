// Compiled MT19937: renews the state and tempers words, four at a time.
import { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import { get, i32, loopWhile, memory, op, set, when } from "../../wasm/instructions.ts";
import { LaneGraph, type Lanes } from "../../wasm/lanes.ts";
import { stateSize } from "../../random/mt19937.ts";

/** Bytes of the state: its words, and the first four of the next round behind them. */
export const STATE_BYTES = 4 * (stateSize + 4);

/** Distance of the words that are combined; see `Mt19937`. */
const shift = 397;
const split = stateSize - shift;

/**
 * The module whose `run(state, index, out, count)` draws `count` words, at least one, from word
 * `index` of the state; it writes whole vectors, so up to three words more.
 */
export function wordsModule(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(["i32", "i32", "i32", "i32"]);
  const [state, index, out, count] = [0, 1, 2, 3];
  const [taken, left, at] = f.many(3, "i32");
  const word = f.local("v128");
  const graph = new LaneGraph(f);
  const tempered = graph.emit([[temper(graph.local(word).as("i32x4")), word]]);
  const renewed = renew(f, graph, state);
  const available = op("i32.sub", i32(stateSize), get(index));
  return f.module([tempered.head, renewed.head, loopWhile(get(count),
    when(op("i32.eq", get(index), i32(stateSize)), [renewed.body, set(index, i32(0))]),
    set(taken, op("select", get(count), available, op("i32.lt_u", get(count), available))),
    set(at, op("i32.add", get(state), op("i32.shl", get(index), i32(2)))),
    set(left, op("i32.shr_u", op("i32.add", get(taken), i32(3)), i32(2))),
    loopWhile(get(left),
      set(word, memory("v128.load", 0, get(at))),
      tempered.body,
      memory("v128.store", 0, get(out), get(word)),
      set(at, op("i32.add", get(at), i32(16))),
      set(out, op("i32.add", get(out), i32(16))),
      set(left, op("i32.sub", get(left), i32(1)))),
    // The next words follow those that were asked for: they overwrite what was too much.
    set(out, op("i32.sub", get(out), op("i32.shl",
      op("i32.and", op("i32.sub", i32(0), get(taken)), i32(3)), i32(2)))),
    set(index, op("i32.add", get(index), get(taken))),
    set(count, op("i32.sub", get(count), get(taken))))]);
}

function temper(word: Lanes): Lanes {
  const a = word.xor(word.shru(11));
  const b = a.xor(a.shl(7).and(0x9d2c5680 | 0));
  const c = b.xor(b.shl(15).and(0xefc60000 | 0));
  return c.xor(c.shru(18));
}

/**
 * The next 624 words in place of the last.
 *
 * Method: the recurrence reaches back 227 words and more, so four are independent. Words that lie
 * behind the end are those of the next round, which is why its first four are kept there too.
 */
function renew(f: FunctionBuilder, graph: LaneGraph, state: number) {
  const [at, end] = f.many(2, "i32");
  const [upper, lower, far] = f.many(3, "v128");
  const code = graph.emit([[twist(graph, upper, lower, far), far]]);
  const four = (distance: number): Code => [
    set(upper, memory("v128.load", 0, get(at))),
    set(lower, memory("v128.load", 4, get(at))),
    set(far, memory("v128.load", 0, op("i32.add", get(at), i32(4 * distance)))),
    code.body,
    memory("v128.store", 0, get(at), get(far)),
  ];
  const next = set(at, op("i32.add", get(at), i32(16)));
  const until = (word: number, distance: number): Code => [
    set(end, op("i32.add", get(state), i32(4 * word))),
    loopWhile(op("i32.lt_u", get(at), get(end)), four(distance), next),
  ];
  const first = [
    set(at, get(state)), four(shift), memory("v128.store", 4 * stateSize, get(at), get(far)), next,
  ];
  return { head: code.head, body: [first, until(split + 1, shift), until(stateSize, -split)] };
}

/** `far ^ A (top bit of upper | rest of lower)`. */
function twist(graph: LaneGraph, upper: number, lower: number, far: number): Lanes {
  const [high, low, mixed] = [upper, lower, far].map((local) => graph.local(local).as("i32x4"));
  const both = high.and(-0x80000000).or(low.and(0x7fffffff));
  const odd = low.shl(31).shr(31).and(0x9908b0df | 0);
  return mixed.xor(both.shru(1)).xor(odd);
}

/** Position of the next word when `count` more have been drawn at `index`. */
export function indexAfter(index: number, count: number): number {
  const end = index + count;
  return end <= stateSize ? end : (end - 1) % stateSize + 1;
}
