// The laws are tested too: each must fail for an op that breaks it, and hold for one that does not.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Tensor, defaultGenerator } from "../../src/index.ts";
import {
  bumpVersion, copyOf, fail, fresh, primitive, real, view, type Op,
} from "../../src/internal.ts";
import { exposed, hidden, leave, levelsOf } from "../../src/autograd/batch.ts";
import { isBatched } from "../../src/ops/batching.ts";
import type { AnyOp } from "./call.ts";
import { calls, laidOut, strided, valuesIn, type Drawn } from "./draw.ts";
import { thrownBy } from "./expect.ts";
import { laws } from "./laws.ts";
import { refusalChangesNothing } from "./memory.ts";

type Unary = (input: Tensor) => Tensor;

/** Parts of an op that squares its input, to be replaced by wrong ones. */
interface Parts {
  name?: string;
  forward?: (input: Tensor) => Tensor;
  /** The gradient from what arrives and the saved input. */
  gradient?: (grad: Tensor, input: Tensor) => Tensor;
  /** The gradient from what arrives and the input, which is kept without being declared. */
  undeclared?: (grad: Tensor, input: Tensor) => Tensor;
  /** Whether the op claims that its tangent is its value at the tangent of its input. */
  multilinear?: boolean;
  /** Whether the op claims to cope with batches. */
  batches?: boolean;
}

function squared(input: Tensor): Tensor {
  const result = copyOf(input);
  result.storage.data.forEach((value, i, data) => { data[i] = value * value; });
  return result;
}

/** `x²` as a primitive op with some parts replaced. */
function squareWith({
  name = "squareOnTrial", forward = squared, gradient = (grad, input) => grad.mul(input).mul(2),
  undeclared, multilinear = false, batches = false,
}: Parts): AnyOp {
  const op: Op<Unary> = primitive({
    name, inputs: ["input"], multilinear, batches,
    prepare: (input: Tensor) => ({ inputs: [input], attributes: { input } }),
    forward: ([input]) => forward(input),
    gradients: (reads) => ({
      input: undeclared === undefined
        ? reads(["input"], ({ grad, input }) => gradient(grad, input))
        : reads([], ({ grad, attributes: { input } }) => undeclared(grad, input)),
    }),
    samples: [[real([2, 3])]],
  });
  return op;
}

/** Checks a law on an op over a sample of shape [2, 3]. */
function check(says: string, op: AnyOp): void {
  const law = laws.find((one) => one.says === says)!;
  fc.assert(fc.property(calls([real([2, 3])]), (call) => law.holds(op, call)),
    { numRuns: 3, endOnFailure: true });
}

let counter = 0;
let buffer: Tensor | null = null;

/** For each law, ops that break it. */
const broken: readonly (readonly [says: string, what: string, op: AnyOp])[] = [
  ["gradients agree with central differences", "1 % too large",
    squareWith({ gradient: (grad, input) => grad.mul(input).mul(2.02) })],
  ["gradients agree with central differences", "a term is missing",
    squareWith({ gradient: (grad, input) => grad.mul(input) })],
  ["gradients agree with central differences", "the cotangent is ignored",
    squareWith({ gradient: (_, input) => input.mul(2) })],
  ["gradients agree with central differences", "nothing arrives",
    squareWith({ gradient: (grad) => grad.mul(0) })],
  ["second order agrees with central differences", "the rule hides its input",
    squareWith({ gradient: (grad, input) => grad.mul(input.detach()).mul(2) })],
  ["second order agrees with central differences", "the rule hides the cotangent",
    squareWith({ gradient: (grad, input) => grad.detach().mul(input).mul(2) })],
  ["gradients are linear in the cotangent", "quadratic",
    squareWith({ gradient: (grad, input) => grad.mul(grad).mul(input) })],
  ["forward mode agrees with reverse mode", "it claims to be linear",
    squareWith({ multilinear: true })],
  ["forward mode agrees with reverse mode", "the rule hides the cotangent",
    squareWith({ gradient: (grad, input) => grad.detach().mul(input).mul(2) })],
  ["forward over reverse agrees with reverse over reverse", "the rule loses the tangent",
    squareWith({
      gradient: (grad, input) => {
        const bare = input.view(input.shape);
        bare.tangents = null;
        return grad.mul(bare).mul(2);
      },
    })],
  ["vmap is a loop", "every sample gets the values of the first", squareWith({
    batches: true,
    forward: (input) => {
      const levels = levelsOf([input]);
      const whole = exposed(input, levels);
      const first = levels.reduce((part) => part.select(0, 0), whole);
      return hidden(squared(first).expand(whole.shape), levels);
    },
  })],
  ["vmap is a loop", "the gradient of a batch is 1 % too large", squareWith({
    gradient: (grad, input) => grad.mul(input).mul(isBatched(grad) ? 2.02 : 2),
  })],
  ["gradients inside vmap are those of each sample", "the gradients of samples are mixed",
    squareWith({
      gradient: (grad, input) => {
        const [level] = levelsOf([input]);
        const own = grad.mul(input).mul(2);
        return level === undefined ? own : own.add(leave(own, level, 0).sum(0).mul(0.01));
      },
    })],
  ["float32 gives float64 rounded", "imprecise in float32", squareWith({
    forward: (input) => squared(input).add_(input.dtype === "float32" ? 1e-4 : 0),
  })],
  ["float32 gives float64 rounded", "an imprecise gradient in float32", squareWith({
    gradient: (grad, input) => grad.mul(input).mul(input.dtype === "float32" ? 2.001 : 2),
  })],
  ["method and function are the same", "another method has that name",
    squareWith({ name: "exp" })],
  ["memory layout makes no difference", "strides are ignored", squareWith({
    forward: (input) => {
      const result = fresh(input.shape, input.dtype);
      result.storage.data.forEach((_, i, data) => { data[i] = input.storage.data[i] ** 2; });
      return result;
    },
  })],
  ["memory layout makes no difference", "strides of the cotangent are ignored", squareWith({
    gradient: (grad, input) => {
      const flat = fresh(grad.shape, grad.dtype);
      flat.storage.data.set(grad.storage.data.subarray(0, flat.storage.data.length));
      return flat.mul(input).mul(2);
    },
  })],
  ["arguments and cotangents stay as they are", "the input is changed", squareWith({
    forward: (input) => { input.storage.data[1] += 1; return squared(input); },
  })],
  ["arguments and cotangents stay as they are", "a write is counted", squareWith({
    forward: (input) => { bumpVersion(input, "test"); return squared(input); },
  })],
  ["arguments and cotangents stay as they are", "the cotangent is changed",
    squareWith({ gradient: (grad, input) => grad.mul_(input).mul(2) })],
  ["views share memory and version, other ops do not", "the result aliases the input",
    squareWith({ forward: (input) => new Tensor(input.storage, input.shape, input.strides) })],
  ["views share memory and version, other ops do not", "a view copies", ((): AnyOp => {
    const op: Op<Unary> = view({
      name: "viewOnTrial", samples: [],
      prepare: (input: Tensor) => ({ input, attributes: null }),
      geometry: (layout) => layout,
    });
    return Object.assign((input: Tensor) => copyOf(input), { definition: op.definition });
  })()],
  ["requiresGrad follows the inputs and the mode", "history is lost", ((): AnyOp => {
    const { definition } = squareWith({});
    return Object.assign((input: Tensor) => squared(input.detach()), { definition });
  })()],
  ["requiresGrad follows the inputs and the mode", "always requires a gradient", ((): AnyOp => {
    const { definition } = squareWith({});
    const call = (input: Tensor) => squared(input.detach()).requiresGrad_();
    return Object.assign(call, { definition });
  })()],
  ["only values that rules read are saved", "something is kept behind the engine's back",
    squareWith({ undeclared: (grad, input) => grad.mul(input).mul(2) })],
  ["two passes through one graph are independent", "a buffer is shared", squareWith({
    gradient: (grad, input) => {
      buffer ??= fresh(input.shape, input.dtype);
      return buffer.add_(grad.detach());
    },
  })],
  ["two runs give the same bits", "a counter is added", squareWith({
    forward: (input) => squared(input).add_(1e-9 * counter++),
  })],
];

describe("a law fails for an op that breaks it", () => {
  it.each(broken)("%s: %s", (says, _, op) => {
    expect(thrownBy(() => check(says, op))).toBeInstanceOf(Error);
  });

  it("the in-place variant writes what the function returns", () => {
    for (const write of [
      (input: Tensor) => input.mul_(input).add_(1e-3), // another value, two writes
      (input: Tensor) => input.mul(input), // nothing written
      (input: Tensor) => { input.detach().mul_(input.detach()); return input; }, // no history
    ]) {
      const op = squareWith({});
      const wrong: AnyOp = Object.assign((input: Tensor) => input.mul(input),
        { definition: { ...op.definition, inPlace: write } });
      expect(thrownBy(() => check("the in-place variant writes what the function returns", wrong)))
        .toBeInstanceOf(Error);
    }
  });

  it("every law has an op that breaks it", () => {
    const covered = new Set(broken.map(([says]) => says));
    covered.add("the in-place variant writes what the function returns");
    expect(laws.map(({ says }) => says).filter((says) => !covered.has(says))).toEqual([]);
  });

  it.each([
    ["accepts", (input: Tensor) => input.mul(2)],
    ["says something else", () => fail("squareOnTrial", "no")],
    ["does not name itself", () => fail("other", "refused")],
    ["throws another kind of error", () => { throw new TypeError("squareOnTrial: refused"); }],
    ["writes first", (input: Tensor) => { input.add_(1); fail("squareOnTrial", "refused"); }],
    ["draws first", () => { defaultGenerator.u32(); fail("squareOnTrial", "refused"); }],
  ])("a refusal that %s", (_, call) => {
    const wrong: AnyOp = Object.assign(call, { definition: squareWith({}).definition });
    fc.assert(fc.property(calls([real([2])]), (drawn) => {
      expect(thrownBy(() => refusalChangesNothing(wrong, drawn, "refused"))).toBeInstanceOf(Error);
    }), { numRuns: 1 });
  });
});

describe("a law holds for an op that is right", () => {
  it.each(laws)("$says", ({ says }) => check(says, squareWith({})));
});

describe("drawn tensors", () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });

  it.each(strided)("laid out %s show their values", (memory) => {
    fc.assert(fc.property(shapes.chain((shape) => calls([real(shape)])), ({ args: [arg] }) => {
      const drawn = arg as Drawn;
      const shown = laidOut(drawn, "float64", memory);
      expect([...shown.toTypedArray()]).toEqual(valuesIn(drawn, memory).values);
    }));
  });

  it("lie within their bounds, away from kinks, and distinct ones differ", () => {
    const sample = [real([4, 5], -1, 1), { sample: "distinct", shape: [6], low: -1, high: 1 },
      { sample: "distinct", shape: [6], low: -1, high: 1 }] as const;
    fc.assert(fc.property(calls(sample, [0, 0.5]), ({ args }) => {
      const [free, a, b] = args as Drawn[];
      for (const value of [...free.values, ...a.values, ...b.values]) {
        expect(Math.abs(value)).toBeLessThanOrEqual(1);
        expect(Math.min(Math.abs(value), Math.abs(value - 0.5))).toBeGreaterThanOrEqual(2 ** -8);
        expect(Math.fround(value)).toBe(value);
      }
      const sorted = [...a.values, ...b.values].sort((x, y) => x - y);
      sorted.slice(1).forEach((value, i) => expect(value - sorted[i]).toBeGreaterThan(2 ** -8));
    }));
  });
});
