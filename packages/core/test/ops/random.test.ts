// Random tensors: PyTorch's recorded streams through the public functions, and what fills respect.
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import {
  bernoulli, defaultGenerator, empty, forkRng, Generator, getRngState, manualSeed, multinomial,
  normal, ones, rand, randint, randintLike, randLike, randn, randnLike, randperm, setRngState,
  tensor, zeros, type DType, type GeneratorState, type Tensor,
} from "../../src/index.ts";

interface TensorData { shape: number[]; data: number[]; dtype: DType }
interface Summary {
  dtype: DType; first: number[]; last: number[]; sum: number; sumSquares: number;
}
interface Options {
  shape?: number[]; transpose?: [number, number]; dtype?: DType; replacement?: boolean;
}
interface Step { call: string; args: unknown[]; options?: Options; result?: TensorData | Summary }
interface Case { id: string; seed: number; steps: Step[] }

const fixture = new URL("../fixtures/rng.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, "utf8")) as { cases: Case[] };

function given(arg: unknown): Tensor {
  const { data, shape, dtype } = (arg as { tensor: TensorData }).tensor;
  return tensor(data, { dtype }).reshape(shape);
}

function target({ shape, dtype, transpose }: Options = {}): Tensor {
  const memory = empty(shape!, { dtype });
  return transpose ? memory.transpose(...transpose) : memory;
}

const saved = new Map<string, GeneratorState>();
const calls: Record<string, (step: Step) => Tensor | void> = {
  rand: ({ args, options }) => rand(args[0] as number[], options),
  randn: ({ args, options }) => randn(args[0] as number[], options),
  randint: ({ args }) => randint(...args as [number, number, number[]]),
  randperm: ({ args }) => randperm(args[0] as number),
  uniform_: ({ args, options }) => target(options).uniform_(...args as [number, number]),
  normal_: ({ args, options }) => target(options).normal_(...args as [number, number]),
  exponential_: ({ args, options }) => target(options).exponential_(...args as [number]),
  bernoulli_: ({ args, options }) => target(options).bernoulli_(...args as [number]),
  bernoulli: ({ args }) => bernoulli(given(args[0])),
  multinomial: ({ args, options }) => multinomial(given(args[0]), args[1] as number, options),
  normal: ({ args: [mean, std] }) => typeof mean === "number"
    ? normal(mean, given(std))
    : normal(given(mean), typeof std === "number" ? std : given(std)),
  manualSeed: ({ args }) => void manualSeed(args[0] as number),
  saveState: ({ args }) => void saved.set(args[0] as string, getRngState()),
  restoreState: ({ args }) => setRngState(saved.get(args[0] as string)!),
};

/** Bounds of the fixtures' README: float32 exact, double arithmetic 1e-14. */
function expectValues(actual: ArrayLike<number>, expected: readonly number[], dtype: DType): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    if (dtype !== "float64") {
      expect(actual[i], `element ${i}`).toBe(dtype === "float32" ? Math.fround(value) : value);
    } else {
      const error = Math.abs(actual[i] - value) / Math.max(1, Math.abs(value));
      expect(error, `element ${i}: ${actual[i]} for ${value}`).toBeLessThanOrEqual(1e-14);
    }
  });
}

function expectResult(actual: Tensor, result: TensorData | Summary): void {
  expect(actual.dtype).toBe(result.dtype);
  const values = actual.toTypedArray();
  if ("data" in result) {
    expect(actual.shape).toEqual(result.shape);
    return expectValues(values, result.data, result.dtype);
  }
  expectValues(values.slice(0, result.first.length), result.first, result.dtype);
  expectValues(values.slice(-result.last.length), result.last, result.dtype);
}

beforeEach(() => { manualSeed(0); });

describe("after manualSeed the public functions give PyTorch's numbers", () => {
  const known = ({ steps }: Case) => steps.every(({ call }) => call in calls);

  it("in every recorded case but the dropout masks, which belong to nn", () => {
    expect(cases.filter((entry) => !known(entry)).map(({ id }) => id)).toEqual(["dropout masks"]);
  });

  it.each(cases.filter(known))("$id", ({ seed, steps }) => {
    manualSeed(seed);
    for (const step of steps) {
      const actual = calls[step.call](step);
      if (actual) expectResult(actual, step.result!);
    }
  });
});

describe("the order of filling", () => {
  it("is that of memory for a strided view", () => {
    const memory = empty([3, 2]);
    memory.transpose(0, 1).uniform_();
    manualSeed(0);
    expect(memory.tolist()).toEqual(rand([3, 2]).tolist());
  });

  it("leaves the gaps of a view alone", () => {
    const memory = zeros([4, 5]);
    memory.narrow(1, 1, 2).normal_(0, 1);
    for (const column of [0, 3, 4]) {
      expect(memory.narrow(1, column, 1).tolist()).toEqual(zeros([4, 1]).tolist());
    }
  });

  it("is inherited by randLike and randnLike, with the strides", () => {
    const like = zeros([5, 4]).transpose(0, 1);
    expect(randLike(like).stride()).toEqual([1, 4]);
    manualSeed(0);
    const values = randLike(like);
    manualSeed(0);
    expect(values.tolist()).toEqual(rand([5, 4]).transpose(0, 1).tolist());
    manualSeed(0);
    const normals = randnLike(like); // not contiguous: one by one, however many
    manualSeed(0);
    expect(normals.tolist()).toEqual(empty([5, 4]).transpose(0, 1).normal_().tolist());
  });

  it("is row-major for bernoulli, whatever the strides of the probabilities", () => {
    const p = rand([3, 5]).transpose(0, 1);
    manualSeed(1);
    const strided = bernoulli(p);
    manualSeed(1);
    expect(strided.tolist()).toEqual(bernoulli(p.contiguous()).tolist());
  });

  it("pairs each element with its own probability", () => {
    const view = empty([3, 4]).transpose(0, 1);
    const p = tensor([[0], [1], [0], [1]]);
    view.bernoulli_(p);
    expect(view.tolist()).toEqual([0, 1, 0, 1].map((one) => [one, one, one]));
  });
});

describe("every function draws from the generator it is given, not from the default", () => {
  const draws: Record<string, (generator: Generator) => Tensor> = {
    rand: (generator) => rand([3], { generator }),
    randn: (generator) => randn([3], { generator, dtype: "float64" }),
    randint: (generator) => randint(9, [3], { generator }),
    randperm: (generator) => randperm(5, { generator }),
    randLike: (generator) => randLike(ones([3]), { generator }),
    randnLike: (generator) => randnLike(ones([3]), { generator }),
    randintLike: (generator) => randintLike(ones([3]), -4, 5, { generator }),
    bernoulli: (generator) => bernoulli(ones([20]), { p: 0.5, generator }),
    normal: (generator) => normal(ones([3]), 2, { generator }),
    "normal of a shape": (generator) => normal(1, 2, [3], { generator }),
    multinomial: (generator) => multinomial(ones([9]), 3, { generator }),
    uniform_: (generator) => zeros([3]).uniform_(0, 1, { generator }),
    "uniform_ without bounds": (generator) => zeros([3]).uniform_({ generator }),
    normal_: (generator) => zeros([3]).normal_({ generator }),
    exponential_: (generator) => zeros([3]).exponential_(1, { generator }),
    bernoulli_: (generator) => zeros([20]).bernoulli_(0.5, { generator }),
    random_: (generator) => zeros([3]).random_(100, { generator }),
    "random_ without bounds": (generator) => zeros([3]).random_({ generator }),
  };
  it.each(Object.entries(draws))("%s", (_, from) => {
    const before = JSON.stringify(getRngState());
    const values = from(new Generator(7)).tolist();
    expect(from(new Generator(7)).tolist()).toEqual(values);
    expect(from(new Generator(8)).tolist()).not.toEqual(values);
    expect(JSON.stringify(getRngState())).toBe(before);
  });
});

describe("dtypes and gradients of random tensors", () => {
  it("follow the options, or the tensor they are like", () => {
    expect(randint(5, [2]).dtype).toBe("int32");
    expect(randint(5, [2], { dtype: "float32" }).dtype).toBe("float32");
    expect(randperm(3, { dtype: "float64" }).dtype).toBe("float64");
    expect(randLike(zeros([2], { dtype: "float64" })).dtype).toBe("float64");
    expect(randLike(ones([2], { requiresGrad: true })).requiresGrad).toBe(false);
    expect(rand([2], { requiresGrad: true }).isLeaf).toBe(true);
    expect(multinomial(ones([3]), 2).dtype).toBe("int32");
  });

  it("bernoulli and normal pass no gradient on", () => {
    const p = rand([3], { requiresGrad: true });
    expect(bernoulli(p).requiresGrad).toBe(false);
    expect(normal(p, 1).requiresGrad).toBe(false);
  });

  it.each([
    [() => rand([2], { dtype: "int32" }), `rand: "check_uniform_bounds" not implemented for 'Int'`],
    [() => zeros([2], { dtype: "int32" }).normal_(), `normal_: "normal_kernel_cpu" not impl`],
    [() => bernoulli(zeros([2], { dtype: "int32" })), "not implemented for 'Int'"],
    [() => multinomial(zeros([2, 2, 2]), 1), "prob_dist must be 1 or 2 dim"],
    [() => multinomial(ones([2], { dtype: "int32" }), 1), "only supports floating-point dtypes"],
    [() => randint(3, 3, [1]), "randint: expects 'from' to be less than 'to'"],
    [() => zeros([2]).random_(3, 3), "random_: expects 'from' to be less than 'to'"],
    [() => bernoulli(ones([2]), { p: 2 }), "bernoulli: expects p to be in [0, 1]"],
    [() => normal(ones([2]), -1), "normal expects std >= 0.0, but found std -1"],
    [() => normal(ones([2]), tensor([1, -1])), "normal expects all elements of std >= 0.0"],
    [() => rand([2], { generator: 3 as unknown as Generator }), "generator must be a Generator"],
    [() => rand([2], { sed: 3 } as object), "rand: unknown option sed"],
    [() => rand([-1]), "sizes must be whole numbers"],
  ])("refuses %s", (call, message) => {
    const before = JSON.stringify(getRngState());
    expect(call).toThrow(message);
    expect(JSON.stringify(getRngState())).toBe(before);
  });
});

describe("in-place fills", () => {
  it("count a version and give zero gradients to what was there before", () => {
    const leaf = ones([3], { requiresGrad: true });
    const x = leaf.mul(2);
    const version = x._version;
    x.uniform_();
    expect(x._version).toBe(version + 1);
    expect(x.gradFn!.name).toBe("UniformBackward0");
    x.sum().backward();
    expect(leaf.grad!.tolist()).toEqual([0, 0, 0]);
  });

  it("are refused on a leaf that requires grad, and change nothing", () => {
    const leaf = ones([3], { requiresGrad: true });
    expect(() => leaf.uniform_()).toThrow("a leaf Variable that requires grad");
    expect(leaf.tolist()).toEqual([1, 1, 1]);
  });

  it("are refused where one number would land in several elements", () => {
    expect(() => ones([1]).expand(3).uniform_()).toThrow("refers to a single memory location");
  });

  it("change nothing when an argument is bad", () => {
    const x = ones([3]);
    for (const call of [() => x.uniform_(2, 1), () => x.normal_(0, -1), () => x.exponential_(0),
      () => x.bernoulli_(2), () => x.bernoulli_(tensor([2]))]) expect(call).toThrow();
    expect(x.tolist()).toEqual([1, 1, 1]);
    expect(x._version).toBe(0);
  });
});

describe("forkRng", () => {
  it("puts the default generator back, also after an error", () => {
    const before = getRngState();
    const inside = forkRng(() => rand([2]).tolist());
    expect(() => forkRng(() => { rand([5]); throw new Error("mine"); })).toThrow("mine");
    expect(getRngState()).toEqual(before);
    expect(rand([2]).tolist()).toEqual(inside);
  });

  it("refuses a callback that returns a promise", () => {
    const before = defaultGenerator.getState();
    expect(() => forkRng(async () => { rand([1]); })).toThrow("returned a promise");
    expect(getRngState()).toEqual(before);
  });
});
