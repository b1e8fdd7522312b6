// Arithmetic of three inputs, element by element, with broadcasting; bounds and masks.
import { fail, show } from "../errors.ts";
import type { Input } from "../autograd/record.ts";
import { variable, type Expression } from "../expression/expression.ts";
import { Tensor } from "../tensor/tensor.ts";
import { checkBool, checkFactor, isIntegral } from "./dtype-checks.ts";
import { fillValue } from "./fill-value.ts";
import { oneOf } from "./one-of.ts";
import { checkOptions, checkTensor, entry, type Op } from "./op.ts";
import { pointwise, PointwiseOp } from "./pointwise.ts";
import { booleans, integers, real } from "./sample.ts";

/** A bound: one number, or one for each element. */
export type Bound = Tensor | number;

/** Options of `clamp`: at least one of both. */
export interface ClampOptions {
  /** Lower bound. */
  readonly min?: Bound;
  /** Upper bound; it wins where it lies below the lower one. */
  readonly max?: Bound;
}

/** Bounds as arguments or by name. */
export interface Clamp {
  (input: Tensor, min: Bound, max?: Bound): Tensor;
  (input: Tensor, options: ClampOptions): Tensor;
  /** The method form. */
  readonly method: { (min: Bound, max?: Bound): Tensor; (options: ClampOptions): Tensor };
}

type Named<Name extends string> = { readonly [name in Name | "grad"]: Expression };

const fromBelow = {
  inputs: ["input", "min"] as const,
  expression: ({ input, min }: Named<"input" | "min">) => input.max(min),
  gradients: {
    input: ({ grad, input, min }: Named<"input" | "min">) => input.ge(min).select(grad, 0),
    min: ({ grad, input, min }: Named<"input" | "min">) => input.lt(min).select(grad, 0),
  },
};
const fromAbove = {
  inputs: ["input", "max"] as const,
  expression: ({ input, max }: Named<"input" | "max">) => input.min(max),
  gradients: {
    input: ({ grad, input, max }: Named<"input" | "max">) => input.le(max).select(grad, 0),
    max: ({ grad, input, max }: Named<"input" | "max">) => input.gt(max).select(grad, 0),
  },
};

const bothBounds: Op<(input: Tensor, min: Bound, max: Bound) => Tensor> = pointwise({
  name: "clamp", inputs: ["input", "min", "max"],
  expression: ({ input, min, max }) => input.max(min).min(max),
  gradients: {
    input: ({ grad, input, min, max }) => input.ge(min).and(input.le(max)).select(grad, 0),
    min: ({ grad, input, min, max }) => input.lt(min).and(min.lt(max)).select(grad, 0),
    max: ({ grad, input, min, max }) => input.gt(max).or(max.lt(min)).select(grad, 0),
  },
  samples: [],
});
const lowerBound: Op<(input: Tensor, min: Bound) => Tensor> =
  pointwise({ name: "clamp", ...fromBelow, samples: [] });
const upperBound: Op<(input: Tensor, max: Bound) => Tensor> =
  pointwise({ name: "clamp", ...fromAbove, samples: [] });

function isBound(value: unknown): value is Bound {
  return typeof value === "number" || value instanceof Tensor;
}

function clampOptions(bounds: readonly unknown[]): ClampOptions {
  const [first, second] = bounds;
  if (bounds.length > 2) fail("clamp", `takes two bounds, got ${bounds.length}`);
  if (isBound(first)) {
    if (second !== undefined && !isBound(second)) {
      fail("clamp", `max must be a tensor or a number, got ${show(second)}`);
    }
    return { min: first, max: second };
  }
  checkOptions("clamp", first, ["min", "max"]);
  return (first ?? {}) as ClampOptions;
}

/**
 * Values below `min` raised to it, those above `max` lowered. The gradient of the input is 1
 * between and at the bounds; a bound that is a tensor gets the gradient where it took effect.
 */
export const clamp: Op<Clamp> = oneOf({
  name: "clamp", formula: "min(max(x, min), max)", general: bothBounds,
  choose(input: Tensor, ...bounds: unknown[]) {
    checkTensor("clamp", "input", input);
    const { min, max } = clampOptions(bounds);
    if (min === undefined && max === undefined) {
      fail("clamp", "At least one of 'min' or 'max' must be given");
    }
    if (max === undefined) return [lowerBound, [input, min]];
    return min === undefined ? [upperBound, [input, max]] : [bothBounds, [input, min, max]];
  },
  samples: [
    [real([2, 3]), -0.5, 0.8], [real([4]), { min: -0.5 }], [real([4]), { max: 0.8 }],
    [real([2, 3]), real([3], -1.5, -0.5), real([2, 1], 0.5, 1.5)],
    [real([3]), { min: real([3], 0.5, 1.5), max: real([2, 3], -1.5, -0.5) }],
  ],
  kinks: [-0.5, 0.8],
  rejects: [{ args: [real([2]), {}], message: "At least one of 'min' or 'max' must" }],
});

/** Values below `min` raised to it. */
export const clampMin: Op<(input: Tensor, min: Bound) => Tensor> = pointwise({
  name: "clampMin", ...fromBelow, formula: "max(x, min)",
  samples: [[real([2, 3]), -0.5], [real([2, 3]), real([3], -0.5, 0.5)]], kinks: [-0.5],
});

/** Values above `max` lowered to it. */
export const clampMax: Op<(input: Tensor, max: Bound) => Tensor> = pointwise({
  name: "clampMax", ...fromAbove, formula: "min(x, max)",
  samples: [[real([2, 3]), 0.8], [real([2, 3]), real([3], -0.5, 0.5)]], kinks: [0.8],
});

/** Linear interpolation: `input` at weight 0, `end` at weight 1. */
export const lerp: Op<(input: Tensor, end: Tensor, weight: Tensor | number) => Tensor> =
  pointwise({
    name: "lerp", inputs: ["input", "end", "weight"], result: "float", formula: "x + w (y - x)",
    expression: ({ input, end, weight }) => input.add(weight.mul(end.sub(input))),
    samples: [[real([2, 3]), real([3]), 0.3], [real([2, 1]), real([3]), real([2, 3])]],
    rejects: [{
      args: [real([3]), real([4]), 0.5], message: "must match the size of tensor b (4)",
    }],
  });

/** Options of `addcmul` and `addcdiv`. */
export interface ValueOptions {
  /** Factor of the product or quotient. Default 1. */
  readonly value?: number;
}

/** An op of three tensors and a factor. */
export type Fused =
  (input: Tensor, tensor1: Tensor, tensor2: Tensor, options?: ValueOptions) => Tensor;

/** Sum with a product of two others: `input + value * tensor1 * tensor2`. */
export const addcmul: Op<Fused> = pointwise({
  name: "addcmul", inputs: ["input", "tensor1", "tensor2"], scalars: { value: 1 },
  formula: "x + v y z",
  expression: ({ input, tensor1, tensor2, value }) => input.add(tensor1.mul(tensor2).mul(value)),
  check: (inputs, [value]) => checkFactor("addcmul", "value", inputs, value),
  samples: [[real([3]), real([2, 3]), real([2, 1])],
    [real([2, 2]), real([2]), real([2, 2]), { value: -0.5 }]],
});

/** Sum with a quotient of two others: `input + value * tensor1 / tensor2`. */
export const addcdiv: Op<Fused> = pointwise({
  name: "addcdiv", inputs: ["input", "tensor1", "tensor2"], scalars: { value: 1 },
  formula: "x + v y/z",
  expression: ({ input, tensor1, tensor2, value }) => input.add(tensor1.mul(value).div(tensor2)),
  gradients: {
    tensor2: ({ grad, tensor1, tensor2, value }) =>
      grad.neg().mul(tensor1.mul(value).div(tensor2)).div(tensor2),
  },
  check: (inputs) => {
    if (isIntegral(inputs)) {
      fail("addcdiv", "Integer division with addcdiv is no longer supported: convert with " +
        ".to(float32) first");
    }
  },
  samples: [[real([3]), real([2, 3]), real([2, 1], 0.5, 2)],
    [real([2, 2]), real([2]), real([2, 2], -2, -0.5), { value: -0.5 }]],
  rejects: [{
    args: [integers([2], 5), integers([2], 5), integers([2], 5, 1)],
    message: "Integer division with addcdiv is no longer supported",
  }],
});

const masking = new PointwiseOp("maskedFill", ["input", "mask", "value"], [],
  () => variable("mask").ne(0).select(variable("value"), variable("input")), "promoted",
  [undefined, null, undefined]);

/** A masked fill by `compute`, its arguments checked. */
function masked(compute: (inputs: readonly Input[]) => Tensor) {
  return (input: Tensor, mask: Tensor, value: Tensor | number | boolean): Tensor => {
    checkTensor("maskedFill", "input", input);
    checkTensor("maskedFill", "mask", mask);
    checkBool("maskedFill", "only supports boolean masks", mask);
    if (input.dtype === "int32" && typeof value === "number" && !Number.isInteger(value)) {
      fail("maskedFill", `value cannot be converted to type int32 without overflow: ${value}`);
    }
    return compute([input, mask, fillValue("maskedFill", input, value)]);
  };
}

/** The input with `value` where the mask holds; a tensor without dimensions gets a gradient. */
export const maskedFill:
Op<(input: Tensor, mask: Tensor, value: Tensor | number | boolean) => Tensor> =
  entry(masked((inputs) => masking.apply(inputs)), {
    name: "maskedFill", kind: "primitive", inputs: masking.inputs, rules: masking.rules,
    inPlace: masked((inputs) => masking.write(inputs)), formula: "mask ? v : x",
    samples: [[real([2, 3]), booleans([3]), 1.5], [real([3]), booleans([2, 1]), real([])]],
    rejects: [
      { args: [real([2]), real([2]), 0], message: "only supports boolean masks" },
      { args: [real([2]), booleans([2]), real([1])], message: "only supports 0-dimension value" },
    ],
  });
