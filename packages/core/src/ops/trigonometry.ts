// Circular and hyperbolic functions and their inverses, angles in radians.
import { constant } from "../expression/expression.ts";
import { anywhere, inside } from "./domain.ts";
import type { Op } from "./op.ts";
import { pointwise } from "./pointwise.ts";
import { real } from "./sample.ts";
import type { Unary } from "./unary.ts";

/** Sine. */
export const sin: Op<Unary> = pointwise({
  name: "sin", inputs: ["input"], result: "float", formula: "sin x",
  expression: ({ input }) => input.sin(),
  samples: anywhere,
});

/** Cosine. */
export const cos: Op<Unary> = pointwise({
  name: "cos", inputs: ["input"], result: "float", formula: "cos x",
  expression: ({ input }) => input.cos(),
  samples: anywhere,
});

/** Tangent. */
export const tan: Op<Unary> = pointwise({
  name: "tan", inputs: ["input"], result: "float", formula: "tan x",
  expression: ({ input }) => input.tan(),
  samples: inside,
});

/** Inverse sine; NaN outside `[-1, 1]`. */
export const asin: Op<Unary> = pointwise({
  name: "asin", inputs: ["input"], result: "float", formula: "asin x",
  expression: ({ input }) => input.asin(),
  samples: inside,
});

/** Inverse cosine; NaN outside `[-1, 1]`. */
export const acos: Op<Unary> = pointwise({
  name: "acos", inputs: ["input"], result: "float", formula: "acos x",
  expression: ({ input }) => input.acos(),
  samples: inside,
});

/** Inverse tangent. */
export const atan: Op<Unary> = pointwise({
  name: "atan", inputs: ["input"], result: "float", formula: "atan x",
  expression: ({ input }) => input.atan(),
  samples: anywhere,
});

/** Hyperbolic sine. */
export const sinh: Op<Unary> = pointwise({
  name: "sinh", inputs: ["input"], result: "float", formula: "sinh x",
  expression: ({ input }) => input.sinh(),
  samples: anywhere,
});

/** Hyperbolic cosine. */
export const cosh: Op<Unary> = pointwise({
  name: "cosh", inputs: ["input"], result: "float", formula: "cosh x",
  expression: ({ input }) => input.cosh(),
  samples: anywhere,
});

/** Hyperbolic tangent. */
export const tanh: Op<Unary> = pointwise({
  name: "tanh", inputs: ["input"], result: "float", formula: "tanh x",
  expression: ({ input }) => input.tanh(),
  samples: anywhere,
});

/** Inverse hyperbolic sine. */
export const asinh: Op<Unary> = pointwise({
  name: "asinh", inputs: ["input"], result: "float", formula: "asinh x",
  expression: ({ input }) => input.asinh(),
  samples: anywhere,
});

/** Inverse hyperbolic cosine; NaN below 1. */
export const acosh: Op<Unary> = pointwise({
  name: "acosh", inputs: ["input"], result: "float", formula: "acosh x",
  expression: ({ input }) => input.acosh(),
  samples: [[real([2, 3], 1.2, 4)], [real([], 1.2, 4)]],
});

/** Inverse hyperbolic tangent; ±∞ at ±1, NaN beyond. */
export const atanh: Op<Unary> = pointwise({
  name: "atanh", inputs: ["input"], result: "float", formula: "atanh x",
  expression: ({ input }) => input.atanh(),
  samples: inside,
});

/**
 * `sin(πx) / (πx)`, 1 at 0.
 *
 * Method: near 0 the Taylor polynomial of degree 10, whose error is below 1e-16 there; elsewhere
 * the quotient. So derivatives of every order exist at 0.
 */
export const sinc: Op<Unary> = pointwise({
  name: "sinc", inputs: ["input"], result: "float", formula: "sin(πx)/(πx)",
  expression: ({ input }) => {
    const angle = input.mul(Math.PI);
    const isNear = angle.abs().lt(0.3);
    const square = angle.square();
    const series = [110, 72, 42, 20, 6].reduce(
      (sum, factors) => sum.mul(square).div(-factors).add(1), constant(1));
    const away = isNear.select(1, angle); // no division by zero, in derivatives neither
    return isNear.select(series, away.sin().div(away));
  },
  samples: [...anywhere, [real([4], -0.09, 0.09)]],
});

/** Degrees to radians. */
export const deg2rad: Op<Unary> = pointwise({
  name: "deg2rad", inputs: ["input"], result: "float", formula: "π x / 180",
  expression: ({ input }) => input.mul(Math.PI / 180),
  samples: anywhere,
});

/** Radians to degrees. */
export const rad2deg: Op<Unary> = pointwise({
  name: "rad2deg", inputs: ["input"], result: "float", formula: "180 x / π",
  expression: ({ input }) => input.mul(180 / Math.PI),
  samples: anywhere,
});
