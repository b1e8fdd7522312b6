// Ops that compare or choose, element by element. Truth values have no gradient.
import { sameShape } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Binary } from "./binary.ts";
import { checkBool } from "./dtype-checks.ts";
import { fail, show } from "../errors.ts";
import { checkOptions, checkTensor, composite, type Op } from "./op.ts";
import { checkInput, checkNumber, pointwise } from "./pointwise.ts";
import { booleans, real } from "./sample.ts";
import type { Unary } from "./unary.ts";

const pairs = [[real([2, 3]), real([2, 3])], [real([3, 1]), real([2])], [real([4]), 0.5]];
const truths = [[booleans([2, 3]), booleans([3])], [real([3]), booleans([3])]];
const numbers = [[real([2, 3])], [real([])]];
const mismatched = [{
  args: [real([3]), real([4])],
  message: "The size of tensor a (3) must match the size of tensor b (4)",
}];

/** Whether both are equal; NaN equals nothing. */
export const eq: Op<Binary> = pointwise({
  name: "eq", inputs: ["input", "other"], result: "bool", formula: "x = y",
  expression: ({ input, other }) => input.eq(other),
  samples: pairs, rejects: mismatched,
});

/** Whether both differ; NaN differs from everything. */
export const ne: Op<Binary> = pointwise({
  name: "ne", inputs: ["input", "other"], result: "bool", formula: "x ≠ y",
  expression: ({ input, other }) => input.ne(other),
  samples: pairs, rejects: mismatched,
});

/** Whether the first is smaller. */
export const lt: Op<Binary> = pointwise({
  name: "lt", inputs: ["input", "other"], result: "bool", formula: "x < y",
  expression: ({ input, other }) => input.lt(other),
  samples: pairs, rejects: mismatched,
});

/** Whether the first is smaller or equal. */
export const le: Op<Binary> = pointwise({
  name: "le", inputs: ["input", "other"], result: "bool", formula: "x ≤ y",
  expression: ({ input, other }) => input.le(other),
  samples: pairs, rejects: mismatched,
});

/** Whether the first is larger. */
export const gt: Op<Binary> = pointwise({
  name: "gt", inputs: ["input", "other"], result: "bool", formula: "x > y",
  expression: ({ input, other }) => input.gt(other),
  samples: pairs, rejects: mismatched,
});

/** Whether the first is larger or equal. */
export const ge: Op<Binary> = pointwise({
  name: "ge", inputs: ["input", "other"], result: "bool", formula: "x ≥ y",
  expression: ({ input, other }) => input.ge(other),
  samples: pairs, rejects: mismatched,
});

/** Whether both hold; numbers other than 0 do, NaN too. */
export const logicalAnd: Op<Binary> = pointwise({
  name: "logicalAnd", inputs: ["input", "other"], result: "bool", formula: "x ∧ y",
  expression: ({ input, other }) => input.and(other),
  samples: truths, rejects: mismatched,
});

/** Whether one or both hold; numbers other than 0 do, NaN too. */
export const logicalOr: Op<Binary> = pointwise({
  name: "logicalOr", inputs: ["input", "other"], result: "bool", formula: "x ∨ y",
  expression: ({ input, other }) => input.or(other),
  samples: truths, rejects: mismatched,
});

/** Whether exactly one holds; numbers other than 0 do, NaN too. */
export const logicalXor: Op<Binary> = pointwise({
  name: "logicalXor", inputs: ["input", "other"], result: "bool", formula: "x ⊻ y",
  expression: ({ input, other }) => input.ne(0).ne(other.ne(0)),
  samples: truths, rejects: mismatched,
});

/** Whether the input does not hold: whether it is false or 0. */
export const logicalNot: Op<Unary> = pointwise({
  name: "logicalNot", inputs: ["input"], result: "bool", formula: "¬x",
  expression: ({ input }) => input.not(),
  samples: [[booleans([2, 3])], [real([3])]],
});

/** Whether the input is NaN. */
export const isnan: Op<Unary> = pointwise({
  name: "isnan", inputs: ["input"], result: "bool",
  expression: ({ input }) => input.isNaN(),
  samples: numbers,
});

/** Whether the input is ∞ or -∞. */
export const isinf: Op<Unary> = pointwise({
  name: "isinf", inputs: ["input"], result: "bool", formula: "|x| = ∞",
  expression: ({ input }) => input.abs().eq(Infinity),
  samples: numbers,
});

/** Whether the input is neither infinite nor NaN. */
export const isfinite: Op<Unary> = pointwise({
  name: "isfinite", inputs: ["input"], result: "bool", formula: "|x| < ∞",
  expression: ({ input }) => input.abs().lt(Infinity),
  samples: numbers,
});

/** Whether the input is ∞. */
export const isposinf: Op<Unary> = pointwise({
  name: "isposinf", inputs: ["input"], result: "bool", formula: "x = ∞",
  expression: ({ input }) => input.eq(Infinity),
  samples: numbers,
});

/** Whether the input is -∞. */
export const isneginf: Op<Unary> = pointwise({
  name: "isneginf", inputs: ["input"], result: "bool", formula: "x = -∞",
  expression: ({ input }) => input.eq(-Infinity),
  samples: numbers,
});

/** Whether the input is negative, counting -0. */
export const signbit: Op<Unary> = pointwise({
  name: "signbit", inputs: ["input"], result: "bool", formula: "x < 0 or x = -0",
  expression: ({ input }) => input.signbit(),
  samples: numbers,
});

/** How far apart values may be and still count as close. */
export interface CloseOptions {
  /** Bound relative to `other`. Default `1e-5`. */
  readonly rtol?: number;
  /** Absolute bound, added to the relative one. Default `1e-8`. */
  readonly atol?: number;
  /** Whether NaN is close to NaN. Default `false`. */
  readonly equalNan?: boolean;
}

/** The scalars of a comparison of closeness. */
function closeScalars(op: string, options: CloseOptions = {}): number[] {
  checkOptions(op, options, ["rtol", "atol", "equalNan"]);
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  if (typeof equalNan !== "boolean") {
    fail(op, `equalNan must be true or false, got ${show(equalNan)}`);
  }
  for (const [name, bound] of Object.entries({ rtol, atol })) {
    if (!(checkNumber(op, name, bound) >= 0)) {
      fail(op, `${name} must be greater than or equal to zero, but got ${bound}`);
    }
  }
  return [rtol, atol, Number(equalNan)];
}

/** Whether both are close: `|x - y| ≤ atol + rtol |y|`; infinities only if they are equal. */
export const isclose: Op<Binary<CloseOptions>> = pointwise({
  name: "isclose", inputs: ["input", "other"], scalars: { rtol: 1e-5, atol: 1e-8, equalNan: 0 },
  result: "bool", formula: "|x - y| ≤ atol + rtol |y|",
  expression: ({ input, other, rtol, atol, equalNan }) => {
    const distance = input.sub(other).abs();
    const isNear = distance.le(atol.add(rtol.mul(other).abs())).and(distance.lt(Infinity));
    const areNaN = equalNan.and(input.isNaN()).and(other.isNaN());
    return input.eq(other).or(isNear).or(areNaN);
  },
  call: (apply) => (input: Tensor | number, other: Tensor | number, options?: CloseOptions) =>
    apply([checkInput("isclose", "input", input), checkInput("isclose", "other", other)],
      closeScalars("isclose", options)),
  samples: [...pairs, [real([3]), real([3]), { rtol: 0.5, atol: 0.1, equalNan: true }]],
  rejects: [...mismatched, {
    args: [real([2]), real([2]), { rtol: -1 }],
    message: "rtol must be greater than or equal to zero",
  }],
});

/** Whether all elements are close, as one truth value. */
export const allclose:
Op<(input: Tensor, other: Tensor | number, options?: CloseOptions) => boolean> = composite({
  name: "allclose",
  call: (input: Tensor, other: Tensor | number, options?: CloseOptions) =>
    isclose(input, other, options).toTypedArray().every((isClose) => isClose !== 0),
  samples: [[real([2, 3]), real([2, 3])], [real([2]), 0.5, { atol: 10 }]],
  rejects: mismatched,
});

/** Whether shapes and all elements are equal, as one truth value; NaN equals nothing. */
export const equal: Op<(input: Tensor, other: Tensor) => boolean> = composite({
  name: "equal",
  call(input: Tensor, other: Tensor) {
    checkTensor("equal", "input", input);
    checkTensor("equal", "other", other);
    return sameShape(input.shape, other.shape) &&
      eq(input, other).toTypedArray().every((isEqual) => isEqual !== 0);
  },
  samples: [[real([2, 3]), real([2, 3])], [real([2]), real([3])]],
  rejects: [{ args: [real([2]), 1], message: "other must be a tensor" }],
});

/** Where the condition is the first argument, and the method's tensor the second. */
export interface Where {
  (condition: Tensor, input: Tensor | number, other: Tensor | number): Tensor;
  /** The method form: the tensor where the condition holds, `other` elsewhere. */
  readonly method: (condition: Tensor, other: Tensor | number) => Tensor;
}

/** `input` where the condition holds, `other` elsewhere; what is not chosen gets no gradient. */
export const where: Op<Where> = pointwise({
  name: "where", inputs: ["condition", "input", "other"], formula: "c ? x : y",
  expression: ({ condition, input, other }) => condition.ne(0).select(input, other),
  gradients: { condition: null },
  check: ([condition]) => {
    checkTensor("where", "condition", condition);
    checkBool("where", "where expected condition to be a boolean tensor", condition);
  },
  method: (input: Tensor, condition: Tensor, other: Tensor | number) =>
    where(condition, input, other),
  inPlace: false,
  samples: [[booleans([2, 3]), real([2, 3]), real([3])], [booleans([2, 1]), real([3]), 0.5]],
  rejects: [{
    args: [real([3]), real([3]), real([3])],
    message: "where expected condition to be a boolean tensor, but got a tensor with dtype",
  }],
});
