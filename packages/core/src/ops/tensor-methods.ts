// The methods of tensors, derived from the op table; and the arithmetic that the engine needs.
import { provideArithmetic } from "../autograd/arithmetic.ts";
import { isDifferentiating } from "../autograd/tangents.ts";
import { broadcastDims } from "../shape/broadcast.ts";
import { sameShape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { add } from "./binary.ts";
import { clone, to } from "./convert.ts";
import { fresh } from "./memory.ts";
import type { Method, Op, Signature } from "./op.ts";
import { sum, sumOver } from "./reduction.ts";
import { methodOps, type Arithmetic, type Others } from "./table.ts";
import { expand, reshape } from "./view.ts";
import { cleared, placed, shown } from "./window.ts";

type Methods = { [K in keyof Arithmetic]: Method<Arithmetic[K]> } &
  { [K in keyof Others]: Method<Others[K]> };

type InPlace = { [K in keyof Arithmetic as `${K & string}_`]: Method<Arithmetic[K]> };

declare module "../tensor/tensor.ts" {
  interface Tensor extends Methods, InPlace {}
}

/** Makes ops methods of tensors: `x.op(…)`, and `x.op_(…)` where there is an in-place variant. */
export function installMethods(ops: Iterable<Op<Signature>>): void {
  for (const op of ops) {
    const { definition } = op;
    const call = (definition.method ?? op) as (...args: unknown[]) => unknown;
    install(definition.name, call);
    if (definition.inPlace !== null) {
      install(`${definition.name}_`, definition.inPlace as (...args: unknown[]) => unknown);
    }
  }
}

function install(name: string, call: (...args: unknown[]) => unknown): void {
  Object.defineProperty(Tensor.prototype, name, {
    configurable: true, writable: true,
    value: { [name](this: Tensor, ...args: unknown[]) { return call(this, ...args); } }[name],
  });
}

installMethods(methodOps);

provideArithmetic({
  add,
  addInPlace: (a, b) => { a.add_(b); },
  sumToSize(gradient, shape) {
    const keepdim = shape.length === gradient.ndim;
    const dims = broadcastDims(shape, gradient.shape);
    const total = isDifferentiating() ? sum(gradient, dims, { keepdim })
      : sumOver(gradient, { dims, keepdim });
    return sameShape(total.shape, shape) ? total : reshape(total, shape);
  },
  expand,
  cast: to,
  clone,
  shown,
  placed,
  cleared,
  full(shape, value, dtype) {
    const result = fresh(shape, dtype);
    if (value !== 0) result.storage.data.fill(value);
    return result;
  },
});
