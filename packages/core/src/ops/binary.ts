// Arithmetic of two inputs, element by element, with broadcasting.
import { fail, show } from "../errors.ts";
import type { Expression } from "../expression/expression.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkDivisor, checkFactor, checkSubtraction, isIntegral } from "./dtype-checks.ts";
import { oneOf } from "./one-of.ts";
import { checkOptions, type Op, type Signature } from "./op.ts";
import { pointwise } from "./pointwise.ts";
import { booleans, distinct, integers, real } from "./sample.ts";

/** An op of a tensor and a tensor or number. */
export interface Binary<Options = Record<string, never>> {
  (input: Tensor | number, other: Tensor | number, options?: Options): Tensor;
  /** The method form. */
  readonly method: (other: Tensor | number, options?: Options) => Tensor;
}

const pairs = [
  [real([2, 3]), real([2, 3])], [real([3, 1, 2]), real([4, 2])], [real([2, 2]), 1.5],
  [real([]), real([3])], [real([0, 2]), real([2])],
];
const nonzero = [
  [real([2, 3]), real([2, 3], 0.5, 3)], [real([3, 1, 2]), real([4, 2], 0.5, 3)],
  [real([2, 2]), -1.5], [2.5, real([3], 0.5, 3)],
];
const nonnegative = [
  [real([2, 3]), real([2, 3], 0.2, 3)], [real([3, 1, 2]), real([4, 2], 0.2, 3)],
  [real([2, 2]), 1.5],
];
const unequal = [
  [distinct([2, 3]), distinct([2, 3])], [distinct([3, 1]), distinct([2])],
  [distinct([4]), 0.5],
];
const mismatched = [{
  args: [real([3]), real([4])],
  message: "The size of tensor a (3) must match the size of tensor b (4) " +
    "at non-singleton dimension 0",
}];

/** Options of sums and differences. */
export interface AlphaOptions {
  /** Factor of what is added or subtracted. Default 1. */
  readonly alpha?: number;
}

/** Sum; `alpha` scales the second input. */
export const add: Op<Binary<AlphaOptions>> = pointwise({
  name: "add", inputs: ["input", "other"], scalars: { alpha: 1 }, formula: "x + α y",
  expression: ({ input, other, alpha }) => input.add(other.mul(alpha)),
  check: (inputs, [alpha]) => checkFactor("add", "alpha", inputs, alpha),
  samples: [...pairs, [real([2, 2]), real([2]), { alpha: -2 }]],
  rejects: [...mismatched, {
    args: [integers([2], 5), 1, { alpha: 0.5 }],
    message: "argument alpha must not be a floating point number",
  }],
});

/** Difference; `alpha` scales the second input. */
export const sub: Op<Binary<AlphaOptions>> = pointwise({
  name: "sub", inputs: ["input", "other"], scalars: { alpha: 1 }, formula: "x - α y",
  expression: ({ input, other, alpha }) => input.sub(other.mul(alpha)),
  check: (inputs, [alpha]) => {
    checkSubtraction("sub", inputs);
    checkFactor("sub", "alpha", inputs, alpha);
  },
  samples: [...pairs, [real([2, 2]), real([2]), { alpha: -2 }]],
  rejects: [...mismatched, {
    args: [booleans([2]), booleans([2])], message: "with two bool tensors is not supported",
  }],
});

/** Difference the other way round: `other - alpha * input`. */
export const rsub: Op<Binary<AlphaOptions>> = pointwise({
  name: "rsub", inputs: ["input", "other"], scalars: { alpha: 1 }, formula: "y - α x",
  expression: ({ input, other, alpha }) => other.sub(input.mul(alpha)),
  check: (inputs, [alpha]) => {
    checkSubtraction("rsub", inputs);
    checkFactor("rsub", "alpha", inputs, alpha);
  },
  samples: [...pairs, [real([2, 2]), real([2]), { alpha: -2 }]], rejects: mismatched,
});

/** Product. */
export const mul: Op<Binary> = pointwise({
  name: "mul", inputs: ["input", "other"], formula: "x y",
  expression: ({ input, other }) => input.mul(other),
  samples: pairs, rejects: mismatched,
});

/** The gradient of a divisor from the inputs, so that the quotient may be overwritten. */
const divisorGradient = (
  { grad, input, other }: { readonly [name in "grad" | "input" | "other"]: Expression },
) => grad.neg().mul(input.div(other).div(other));

/** Quotient; of whole numbers too it is a real number. */
export const trueDivide: Op<Binary> = pointwise({
  name: "trueDivide", inputs: ["input", "other"], result: "float", formula: "x/y",
  expression: ({ input, other }) => input.div(other),
  gradients: { other: divisorGradient },
  samples: nonzero, rejects: mismatched,
});

/** Quotient rounded down; its gradient is 0. */
export const floorDivide: Op<Binary> = pointwise({
  name: "floorDivide", inputs: ["input", "other"], formula: "⌊x/y⌋",
  expression: ({ input, other }) => input.floorDivide(other),
  check: (inputs) => checkDivisor("floorDivide", inputs),
  samples: nonzero, rejects: mismatched,
});

/** Options of `div`. */
export interface DivOptions {
  /** Round the quotient down, or towards zero; whole numbers stay whole. Default: neither. */
  readonly roundingMode?: "floor" | "trunc";
}

const quotient: Op<Binary> = pointwise({
  name: "div", inputs: ["input", "other"], result: "float",
  expression: ({ input, other }) => input.div(other),
  gradients: { other: divisorGradient },
  samples: [],
});
const rounded: Readonly<Record<string, Op<Signature>>> = {
  floor: pointwise({
    name: "div", inputs: ["input", "other"],
    expression: ({ input, other }) => input.floorDivide(other),
    check: (inputs) => checkDivisor("div", inputs),
    samples: [],
  }),
  trunc: pointwise({
    name: "div", inputs: ["input", "other"],
    expression: ({ input, other }) => input.div(other).trunc(),
    check: (inputs) => checkDivisor("div", inputs),
    samples: [],
  }),
};

/** Quotient, if wanted rounded. Without rounding, that of whole numbers is a real number. */
export const div: Op<Binary<DivOptions>> = oneOf({
  name: "div", formula: "x/y", general: quotient,
  choose: (input: Tensor | number, other: Tensor | number, options?: DivOptions) => {
    checkOptions("div", options, ["roundingMode"]);
    const mode = options?.roundingMode;
    if (mode === undefined) return [quotient, [input, other]];
    if (!Object.hasOwn(rounded, mode)) {
      fail("div", "expected rounding_mode to be one of \"trunc\" or \"floor\", " +
        `got roundingMode ${show(mode)}`);
    }
    return [rounded[mode], [input, other]];
  },
  samples: [...nonzero, [real([3]), real([3], 0.5, 3), { roundingMode: "floor" }],
    [real([3]), real([3], 0.5, 3), { roundingMode: "trunc" }]],
  rejects: [...mismatched, {
    args: [real([2]), 2, { roundingMode: "up" }],
    message: "expected rounding_mode to be one of",
  }],
});

/** Power. The gradient of the exponent is 0 where the base is 0 and the exponent not negative. */
export const pow: Op<Binary> = pointwise({
  name: "pow", inputs: ["input", "other"], formula: "xʸ",
  expression: ({ input, other }) => input.pow(other),
  check: (inputs) => {
    const [, exponent] = inputs;
    if (isIntegral(inputs) && typeof exponent === "number" && exponent < 0) {
      fail("pow", `Integers to negative integer powers are not allowed, got exponent ${exponent}`);
    }
  },
  samples: [
    [real([2, 3], 0.3, 2), real([2, 3])], [real([3, 1], 0.3, 2), real([2])],
    [real([2, 2]), 3], [real([2, 2], 0.5, 2), -1.5], [1.5, real([3])],
  ],
  rejects: [...mismatched, {
    args: [integers([2], 5), -1], message: "Integers to negative integer powers are not allowed",
  }],
});

/** The larger of both; equal ones share the gradient, NaN wins. */
export const maximum: Op<Binary> = pointwise({
  name: "maximum", inputs: ["input", "other"], formula: "max(x, y)",
  expression: ({ input, other }) => input.max(other),
  samples: unequal, rejects: mismatched,
});

/** The smaller of both; equal ones share the gradient, NaN wins. */
export const minimum: Op<Binary> = pointwise({
  name: "minimum", inputs: ["input", "other"], formula: "min(x, y)",
  expression: ({ input, other }) => input.min(other),
  samples: unequal, rejects: mismatched,
});

/** The larger of both, the first of equal ones; a number wins over NaN. */
export const fmax: Op<Binary> = pointwise({
  name: "fmax", inputs: ["input", "other"], formula: "max(x, y)",
  expression: ({ input, other }) => input.ge(other).or(other.isNaN()).select(input, other),
  samples: unequal, rejects: mismatched,
});

/** The smaller of both, the first of equal ones; a number wins over NaN. */
export const fmin: Op<Binary> = pointwise({
  name: "fmin", inputs: ["input", "other"], formula: "min(x, y)",
  expression: ({ input, other }) => input.le(other).or(other.isNaN()).select(input, other),
  samples: unequal, rejects: mismatched,
});

/** Remainder with the sign of the divisor. */
export const remainder: Op<Binary> = pointwise({
  name: "remainder", inputs: ["input", "other"], formula: "x - y ⌊x/y⌋",
  expression: ({ input, other }) => input.remainder(other),
  check: (inputs) => checkDivisor("remainder", inputs),
  samples: nonzero, rejects: mismatched,
});

/** Remainder with the sign of the dividend, as JavaScript's `%`. */
export const fmod: Op<Binary> = pointwise({
  name: "fmod", inputs: ["input", "other"], formula: "x - y trunc(x/y)",
  expression: ({ input, other }) => input.fmod(other),
  check: (inputs) => checkDivisor("fmod", inputs),
  samples: nonzero, rejects: mismatched,
});

/** Angle of the point (other, input), between -π and π. */
export const atan2: Op<Binary> = pointwise({
  name: "atan2", inputs: ["input", "other"], result: "float", formula: "atan2(y, x)",
  expression: ({ input, other }) => input.atan2(other),
  samples: nonzero, rejects: mismatched,
});

/** Length of the vector (input, other), without overflow on the way. */
export const hypot: Op<Binary> = pointwise({
  name: "hypot", inputs: ["input", "other"], result: "float", formula: "√(x² + y²)",
  expression: ({ input, other }) => input.hypot(other),
  samples: nonzero, rejects: mismatched,
});

/** `log(exp(x) + exp(y))` without overflow. */
export const logaddexp: Op<Binary> = pointwise({
  name: "logaddexp", inputs: ["input", "other"], result: "float", formula: "ln(eˣ + eʸ)",
  expression: ({ input, other }) => input.eq(other).select(input.add(Math.LN2),
    input.max(other).add(input.sub(other).abs().neg().exp().log1p())),
  gradients: {
    input: ({ grad, input, other }) => grad.div(other.sub(input).exp().add(1)),
    other: ({ grad, input, other }) => grad.div(input.sub(other).exp().add(1)),
  },
  samples: pairs, rejects: mismatched,
});

/** `x log(y)`, and 0 where x is 0 even if the logarithm is infinite. */
export const xlogy: Op<Binary> = pointwise({
  name: "xlogy", inputs: ["input", "other"], result: "float", formula: "x ln y",
  expression: ({ input, other }) => input.eq(0).and(other.isNaN().not())
    .select(0, input.mul(other.log())),
  gradients: {
    input: ({ grad, input, other }) => input.eq(0).and(other.le(0))
      .select(0, grad.mul(other.log())),
    other: ({ grad, input, other }) => grad.mul(input).div(other),
  },
  samples: nonnegative, rejects: mismatched,
});

/** The magnitude of the first with the sign of the second, which gets no gradient. */
export const copysign: Op<Binary> = pointwise({
  name: "copysign", inputs: ["input", "other"], result: "float", formula: "±|x|, sign of y",
  expression: ({ input, other }) => other.signbit().select(input.abs().neg(), input.abs()),
  samples: unequal, rejects: mismatched,
});
