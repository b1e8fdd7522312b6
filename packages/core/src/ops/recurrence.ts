// Linear recurrences and running products: closed under differentiation, exact at zeros. They
// carry the gradients of prod and cumprod, where dividing the product by an element would fail.
import { variable } from "../expression/expression.ts";
import { accumulator, passes, position } from "../kernels/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul } from "./binary.ts";
import { primitive } from "./define.ts";
import type { Op } from "./op.ts";
import { scanOver, type Scan } from "./reduce-over.ts";

const input = variable("input");
const coefficient = variable("coefficient");
const term = variable("term");
const first = position.eq(0);
const last = accumulator(0);
const pending = accumulator(1);

/** Stores what `pending` was before the element changed it. */
const products = passes({
  inputs: ["input"],
  passes: [{ initial: [1, 1], steps: [pending, pending.mul(input)], stores: [last] }],
});
const shifted = passes({
  inputs: ["input"],
  passes: [{ initial: [0, 0], steps: [pending, input], stores: [last] }],
});
const current = passes({
  inputs: ["term", "coefficient"],
  passes: [{
    initial: [0], steps: [first.select(term, term.add(coefficient.mul(last)))], stores: [last],
  }],
});
const lagging = passes({
  inputs: ["term", "coefficient"],
  passes: [{
    initial: [0, 0], steps: [first.select(term, term.add(pending.mul(last))), coefficient],
    stores: [last],
  }],
});

const opposite = (scan: Scan): Scan => ({ dims: scan.dims, reverse: !scan.reverse });

/** `y[k] = x[0] ⋯ x[k - 1]`, 1 for the first element. */
export const exclusiveProduct: Op<(input: Tensor, scan: Scan) => Tensor> = primitive({
  name: "exclusiveProduct", inputs: ["input"], batches: true,
  prepare: (input: Tensor, scan: Scan) => ({ inputs: [input], attributes: scan }),
  forward: ([input], scan) => scanOver(products, [input], scan),
  gradients: (reads) => ({
    input: reads(["input", "output"], ({ grad, input, output, attributes }) => {
      const back = opposite(attributes);
      return mul(output, shift(recurrence(grad, input, { ...back, lag: 0 }), back));
    }),
  }),
  samples: [],
});

/** `y[k] = x[k - 1]`, 0 for the first element. */
export const shift: Op<(input: Tensor, scan: Scan) => Tensor> = primitive({
  name: "shift", inputs: ["input"], batches: true,
  prepare: (input: Tensor, scan: Scan) => ({ inputs: [input], attributes: scan }),
  forward: ([input], scan) => scanOver(shifted, [input], scan),
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes }) => shift(grad, opposite(attributes))),
  }),
  samples: [],
});

/** A scan whose coefficient is that of the element, or (`lag` 1) that of the element before. */
export interface Recurrence extends Scan { readonly lag: 0 | 1 }

/** `y[k] = term[k] + coefficient[k - lag] y[k - 1]`, starting with `term[0]`. */
export const recurrence: Op<
  (term: Tensor, coefficient: Tensor, scan: Recurrence) => Tensor
> = primitive({
  name: "recurrence", inputs: ["term", "coefficient"], batches: true,
  prepare: (term: Tensor, coefficient: Tensor, scan: Recurrence) =>
    ({ inputs: [term, coefficient], attributes: scan }),
  forward: (inputs, scan) => scanOver(scan.lag === 0 ? current : lagging, inputs, scan),
  gradients: (reads) => ({
    term: reads(["coefficient"], ({ grad, coefficient, attributes }) =>
      recurrence(grad, coefficient, adjoint(attributes))),
    coefficient: reads(["coefficient", "output"], ({ grad, coefficient, output, attributes }) => {
      const reached = recurrence(grad, coefficient, adjoint(attributes));
      return attributes.lag === 0 ? mul(reached, shift(output, attributes))
        : mul(shift(reached, opposite(attributes)), output);
    }),
  }),
  samples: [],
});

/** The recurrence that the gradient of another one follows. */
function adjoint(scan: Recurrence): Recurrence {
  return { ...opposite(scan), lag: scan.lag === 0 ? 1 : 0 };
}
