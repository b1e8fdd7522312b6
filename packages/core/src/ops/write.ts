// Writes into existing tensors, beyond the variants of pointwise ops. They are methods only.
import { constant, variable } from "../expression/expression.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { to } from "./convert.ts";
import { tril, triu } from "./diagonal.ts";
import { fillValue } from "./fill-value.ts";
import { scatter, scatterAdd } from "./gather.ts";
import { checkTensor, composite, entry, type Op, type Signature } from "./op.ts";
import { PointwiseOp } from "./pointwise.ts";
import { indexAdd, indexCopy, indexFill } from "./positions.ts";
import { booleans, isSampleTensor, real, type Rejected, type Sample } from "./sample.ts";
import { cumsum } from "./scan.ts";

/** A write of `value` over `input`: the gradient goes to the value, zero to what is lost. */
function overwriting(name: string): PointwiseOp {
  return new PointwiseOp(name, ["input", "value"], [], () => variable("value"), "promoted");
}

/** An entry that calls a write of a `PointwiseOp`. */
function writing<F extends Signature>(
  op: PointwiseOp,
  { call, samples, rejects }: {
    readonly call: F; readonly samples: readonly Sample[]; readonly rejects: readonly Rejected[];
  },
): Op<F> {
  return entry(call, {
    name: `${op.name}_`, kind: "primitive", inputs: op.inputs, rules: op.rules, samples, rejects,
  });
}

const filling = overwriting("fill");

/** One value, or a tensor without dimensions, written over all elements. */
export const fill_: Op<(input: Tensor, value: Tensor | number | boolean) => Tensor> =
  writing(filling, {
    call(input: Tensor, value: Tensor | number | boolean) {
      checkTensor("fill_", "input", input);
      return filling.write([input, fillValue("fill_", input, value)]);
    },
    samples: [[real([2, 3]), 2.5], [real([3]), real([])]],
    rejects: [{
      args: [real([2]), real([1])],
      message: "only supports 0-dimension value tensor but got tensor with 1 dimensions",
    }],
  });

const zeroing = new PointwiseOp("zero", ["input"], [], () => constant(0), "promoted");

/** Zeros written over all elements. */
export const zero_: Op<(input: Tensor) => Tensor> = writing(zeroing, {
  call(input: Tensor) {
    checkTensor("zero_", "input", input);
    return zeroing.write([input]);
  },
  samples: [[real([2, 3])], [real([])]],
  rejects: [],
});

const copying = overwriting("copy");

/** The elements of `source` written over those of the tensor, broadcast and converted. */
export const copy_: Op<(input: Tensor, source: Tensor) => Tensor> = writing(copying, {
  call(input: Tensor, source: Tensor) {
    checkTensor("copy_", "input", input);
    checkTensor("copy_", "source", source);
    return copying.write([input, to(source, input.dtype)]);
  },
  samples: [[real([2, 3]), real([3])], [real([2]), booleans([2])]],
  rejects: [{
    args: [real([3]), real([2, 3])],
    message: "output with shape [3] doesn't match the broadcast shape [2, 3]",
  }],
});

/** The result of an op written over its first argument, whose shape it has. */
function replacing<F extends (input: Tensor, ...rest: never[]) => Tensor>(op: Op<F>): Op<F> {
  const { name, samples, rejects } = op.definition;
  const overwrite = overwriting(name);
  const ofFloats = ([target]: Sample) => isSampleTensor(target) && target.sample === "real";
  return composite<(input: Tensor, ...rest: never[]) => Tensor>({
    name: `${name}_`, samples: samples.filter(ofFloats), rejects,
    call: (input, ...rest) => overwrite.write([input, op(input, ...rest)]),
  }) as Op<F>;
}

/** `cumsum` in place. */
export const cumsum_: typeof cumsum = replacing(cumsum);

/** `tril` in place: zeros above a diagonal. */
export const tril_: typeof tril = replacing(tril);

/** `triu` in place: zeros below a diagonal. */
export const triu_: typeof triu = replacing(triu);

/** `scatter` in place. */
export const scatter_: typeof scatter = replacing(scatter);

/** `scatterAdd` in place. */
export const scatterAdd_: typeof scatterAdd = replacing(scatterAdd);

/** `indexAdd` in place. */
export const indexAdd_: typeof indexAdd = replacing(indexAdd);

/** `indexCopy` in place. */
export const indexCopy_: typeof indexCopy = replacing(indexCopy);

/** `indexFill` in place. */
export const indexFill_: typeof indexFill = replacing(indexFill);
