// Ops that make whole numbers of real ones. Their gradient is zero everywhere, and recorded.
import type { Tensor } from "../tensor/tensor.ts";
import { anywhere } from "./domain.ts";
import { fail } from "../errors.ts";
import { checkOptions, type Op } from "./op.ts";
import { checkInput, pointwise } from "./pointwise.ts";
import { real } from "./sample.ts";
import type { Unary } from "./unary.ts";

/** Largest whole number that is not larger. */
export const floor: Op<Unary> = pointwise({
  name: "floor", inputs: ["input"], formula: "⌊x⌋",
  expression: ({ input }) => input.floor(),
  samples: anywhere, kinks: [-2, -1, 0, 1, 2],
});

/** Smallest whole number that is not smaller. */
export const ceil: Op<Unary> = pointwise({
  name: "ceil", inputs: ["input"], formula: "⌈x⌉",
  expression: ({ input }) => input.ceil(),
  samples: anywhere, kinks: [-2, -1, 0, 1, 2],
});

/** Whole part: rounded towards zero. */
export const trunc: Op<Unary> = pointwise({
  name: "trunc", inputs: ["input"], formula: "trunc x",
  expression: ({ input }) => input.trunc(),
  samples: anywhere, kinks: [-2, -1, 1, 2],
});

/** What `trunc` cuts off, with the sign of the input; its gradient is 1. */
export const frac: Op<Unary> = pointwise({
  name: "frac", inputs: ["input"], formula: "x - trunc x",
  expression: ({ input }) => input.sub(input.trunc()),
  samples: anywhere, kinks: [-2, -1, 1, 2],
});

/** Options of `round`. */
export interface RoundOptions {
  /** Decimal places to keep; negative ones round to tens, hundreds, …. Default 0. */
  readonly decimals?: number;
}

/** Nearest whole number, or multiple of a power of ten; halves go to the even one. */
export const round: Op<(input: Tensor, options?: RoundOptions) => Tensor> = pointwise({
  name: "round", inputs: ["input"], scalars: { scale: 1, unit: 1 }, formula: "round x",
  expression: ({ input, scale, unit }) =>
    input.mul(scale).div(unit).round().mul(unit).div(scale),
  call: (apply) => (input: Tensor, options?: RoundOptions) => {
    checkOptions("round", options, ["decimals"]);
    const decimals = options?.decimals ?? 0;
    if (!Number.isInteger(decimals)) {
      fail("round", `decimals must be a whole number, got ${decimals}`);
    }
    // Powers of ten below 1 are not exact, so they are divided by.
    return apply([checkInput("round", "input", input)],
      decimals >= 0 ? [10 ** decimals, 1] : [1, 10 ** -decimals]);
  },
  samples: [...anywhere, [real([4]), { decimals: 1 }], [real([4], -200, 200), { decimals: -1 }]],
  kinks: [-1.5, -0.5, 0.5, 1.5],
  rejects: [{ args: [real([2]), { decimals: 0.5 }], message: "decimals must be a whole number" }],
});
