// Views share memory and versions with their base, copies do not; both agree with nested arrays.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noGrad, tensor, Tensor, type Nested } from "../../src/index.ts";
import { viewStrides } from "../../src/shape/layout.ts";

/** A tensor as nested arrays, and the same steps done on both. */
interface Model { readonly shape: readonly number[]; readonly at: (index: number[]) => number }

/** `0, 1, 2, …` in a shape. */
function counted(shape: readonly number[]): { made: Tensor; model: Model } {
  const count = shape.reduce((product, size) => product * size, 1);
  const made = tensor(Float32Array.from({ length: count }, (_, i) => i)).view([...shape]);
  const at = (index: number[]) =>
    index.reduce((number, position, dim) => number * shape[dim] + position, 0);
  return { made, model: { shape, at } };
}

function nested({ shape, at }: Model, index: number[] = []): Nested {
  return index.length === shape.length ? at(index) : Array.from({ length: shape[index.length] },
    (_, i) => nested({ shape, at }, [...index, i]));
}

/** One step: what the op does, and what it means for indices. Random numbers choose the details. */
type Step = (made: Tensor, model: Model, choose: (below: number) => number) =>
  { made: Tensor; model: Model };

const steps: Readonly<Record<string, Step>> = {
  transpose(made, { shape, at }, choose) {
    const [a, b] = [choose(shape.length), choose(shape.length)];
    const swap = <T>(list: readonly T[]) => list.with(a, list[b]).with(b, list[a]);
    return {
      made: made.transpose(a, b - shape.length),
      model: { shape: swap(shape), at: (index) => at(swap(index)) },
    };
  },
  slice(made, { shape, at }, choose) {
    const dim = choose(shape.length);
    const start = choose(shape[dim] + 1);
    const step = 1 + choose(3);
    return {
      made: made.slice(dim, { start, step }),
      model: {
        shape: shape.with(dim, Math.ceil((shape[dim] - start) / step)),
        at: (index) => at(index.with(dim, start + step * index[dim])),
      },
    };
  },
  select(made, { shape, at }, choose) {
    const dim = choose(shape.length);
    if (shape[dim] === 0) return { made, model: { shape, at } };
    const position = choose(shape[dim]);
    return {
      made: made.select(dim, position - shape[dim]),
      model: {
        shape: shape.toSpliced(dim, 1), at: (index) => at(index.toSpliced(dim, 0, position)),
      },
    };
  },
  unsqueeze(made, { shape, at }, choose) {
    const dim = choose(shape.length + 1);
    return {
      made: made.unsqueeze(dim),
      model: { shape: shape.toSpliced(dim, 0, 1), at: (index) => at(index.toSpliced(dim, 1)) },
    };
  },
  expand(made, { shape, at }, choose) {
    const times = 1 + choose(3);
    return {
      made: made.expand([times, ...shape]),
      model: { shape: [times, ...shape], at: (index) => at(index.slice(1)) },
    };
  },
  diagonal(made, { shape, at }, choose) {
    if (shape.length < 2) return { made, model: { shape, at } };
    const offset = choose(3) - 1;
    const [row, column] = [Math.max(-offset, 0), Math.max(offset, 0)];
    const length = Math.max(Math.min(shape[0] - row, shape[1] - column), 0);
    return {
      made: made.diagonal({ offset }),
      model: {
        shape: [...shape.slice(2), length],
        at: (index) => at([row + index.at(-1)!, column + index.at(-1)!, ...index.slice(0, -1)]),
      },
    };
  },
  unfold(made, { shape, at }, choose) {
    const dim = choose(shape.length);
    const size = choose(shape[dim] + 1);
    const step = 1 + choose(2);
    return {
      made: made.unfold(dim, size, step),
      model: {
        shape: [...shape.with(dim, Math.floor((shape[dim] - size) / step) + 1), size],
        at: (index) => at(index.slice(0, -1).with(dim, index[dim] * step + index.at(-1)!)),
      },
    };
  },
};

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 });
const chains = fc.array(fc.tuple(fc.constantFrom(...Object.keys(steps)),
  fc.array(fc.nat(1000), { minLength: 3, maxLength: 3 })), { minLength: 1, maxLength: 5 });

/** Runs a chain of steps on a tensor and its model. */
function run(shape: number[], chain: readonly [string, number[]][]) {
  const { made: base, model: start } = counted(shape);
  let made = base;
  let model = start;
  for (const [name, numbers] of chain) {
    if (model.shape.length === 0 && name !== "unsqueeze" && name !== "expand") continue;
    let next = 0;
    ({ made, model } = steps[name](made, model, (below) => numbers[next++] % below));
  }
  return { base, made, model };
}

/** All numbers of nested arrays, in order. */
function flat(values: unknown): number[] {
  return Array.isArray(values) ? values.flatMap(flat) : [values as number];
}

describe("views", () => {
  it("in any chain show what index arithmetic on nested arrays shows", () => {
    fc.assert(fc.property(shapes, chains, (shape, chain) => {
      const { made, model } = run(shape, chain);
      expect(made.shape).toEqual(model.shape);
      expect(made.tolist()).toEqual(nested(model));
      expect(made.clone().tolist()).toEqual(nested(model));
    }), { numRuns: 300 });
  });

  it("in any chain write through to the base and share its version", () => {
    fc.assert(fc.property(shapes, chains, (shape, chain) => {
      const { base, made, model } = run(shape, chain);
      const version = base._version;
      const seen = new Set(flat(nested(model)));
      if (seen.size < made.numel()) {
        expect(() => made.neg_()).toThrow("refers to a single memory location");
        expect(base._version).toBe(version);
        return;
      }
      noGrad(() => made.neg_());
      expect(made._version).toBe(version + 1);
      expect(base._version).toBe(version + 1);
      expect(flat(base.tolist())).toEqual(
        Array.from({ length: base.numel() }, (_, i) => seen.has(i) ? -i : i));
    }), { numRuns: 200 });
  });

  it.each<[string, (x: Tensor) => Tensor | Tensor[]]>([
    ["squeeze", (x) => x.squeeze()], ["t", (x) => x.t()], ["T", (x) => x.T], ["mT", (x) => x.mT],
    ["movedim", (x) => x.movedim(0, 1)], ["swapaxes", (x) => x.swapaxes(0, 1)],
    ["expandAs", (x) => x.expandAs(x)], ["broadcastTo", (x) => x.broadcastTo([2, 3, 4])],
    ["viewAs", (x) => x.viewAs(x.t().contiguous())], ["flatten", (x) => x.flatten()],
    ["ravel", (x) => x.ravel()], ["unflatten", (x) => x.unflatten(1, [2, -1])],
    ["index", (x) => x.index(1, null, "::2")], ["split", (x) => x.split([1, 2])],
    ["chunk", (x) => x.chunk(2, 1)], ["tensorSplit", (x) => x.tensorSplit(2)],
    ["unbind", (x) => x.unbind(1)],
  ])("made by %s share memory", (_, make) => {
    const { made: x } = counted([3, 4]);
    for (const view of [make(x)].flat()) expect(view.storage).toBe(x.storage);
  });

  it.each<[string, (x: Tensor) => Tensor]>([
    ["index with an array", (x) => x.index([0, 1, 2])],
    ["index with a mask", (x) => x.index([true, true, true])],
    ["indexSelect", (x) => x.indexSelect(0, tensor([0, 1]))], ["flip", (x) => x.flip(0)],
    ["roll", (x) => x.roll(0, 0)], ["repeat", (x) => x.repeat(1, 1)], ["tile", (x) => x.tile(1)],
    ["tril", (x) => x.tril(9)], ["diag", (x) => x.diag()], ["rot90", (x) => x.rot90(4)],
  ])("are not made by %s, which copies", (_, make) => {
    const { made: x } = counted([3, 4]);
    expect(make(x).storage).not.toBe(x.storage);
  });

  it("are made by reshape exactly where PyTorch makes them, with its strides", () => {
    /** Strides that matter: those of single elements are free. */
    const walked = (shape: readonly number[], strides: readonly number[] | null) =>
      strides?.filter((_, dim) => shape[dim] > 1) ?? null;
    const { cases } = JSON.parse(readFileSync(
      new URL("../fixtures/view-strides.json", import.meta.url), "utf8")) as
      { cases: [number[], number[], number[], number[] | null][] };
    for (const [shape, strides, target, expected] of cases) {
      expect(walked(target, viewStrides({ shape, strides, offset: 0 }, target)),
        JSON.stringify({ shape, strides, target })).toEqual(walked(target, expected));
    }
  });

  it("T refuses all but matrices and points to mT", () => {
    const { made: x } = counted([2, 3, 4]);
    expect(() => x.T).toThrow(/T: expects a matrix, got shape \[2, 3, 4\]: mT swaps/);
    expect(x.mT.shape).toEqual([2, 4, 3]);
    expect(() => x.ravel().mT).toThrow("Got 1-D tensor");
  });
});
