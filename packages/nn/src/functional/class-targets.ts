// Targets that name a class for each sample: `[N, C, d…]` scores and `[N, d…]` class positions.
import type { Tensor } from "@chainrule/core";
import { checkTensor, copyOf, fail, numel, sameShape, showShape, type Shape, type TypedArray,
} from "@chainrule/core/internal";
import { indicesOf } from "./indices.ts";

/** How scores are laid out, and the class of each sample. */
export interface ClassTargets {
  /** Sizes before, of and after the class dimension. */
  readonly batch: number;
  readonly classes: number;
  readonly rest: number;
  /** Shape of the scores without the class dimension. */
  readonly shape: Shape;
  readonly indices: TypedArray;
}

/** The dimension of the classes: the second, or the only one of a single sample. */
export function classDim(input: Tensor): number {
  return input.ndim === 1 ? 0 : 1;
}

/**
 * Reads and checks class targets; `ignoreIndex` may lie anywhere.
 * @throws when shapes do not fit, or a class does not exist
 */
export function classTargets(
  op: string, input: Tensor, target: Tensor, ignoreIndex: number,
): ClassTargets {
  checkTensor(op, "input", input);
  checkTensor(op, "target", target);
  checkShapes(op, input.shape, target.shape);
  const dim = classDim(input);
  const classes = input.shape[dim];
  const indices = indicesOf(op, "targets", target, "expected scalar type Long");
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (index === ignoreIndex || (index >= 0 && index < classes)) continue;
    fail(op, `Target ${index} is out of bounds. There are ${classes} classes`,
      { target: index, classes });
  }
  return {
    batch: dim === 0 ? 1 : input.shape[0], classes, rest: numel(input.shape.slice(dim + 1)),
    shape: target.shape, indices,
  };
}

function checkShapes(op: string, input: Shape, target: Shape): void {
  const expected = input.length === 1 ? [] : input.toSpliced(1, 1);
  if (input.length > 0 && sameShape(target, expected)) return;
  const given = `: input ${showShape(input)}, target ${showShape(target)}`;
  if (input.length === 0) fail(op, `Expected 1 or more dimensions (got 0)${given}`);
  if (input.length <= 2) {
    if (input.length === 2 && target.length > 0 && target[0] !== input[0]) {
      fail(op, `Expected input batch_size (${input[0]}) to match target batch_size ` +
        `(${target[0]}).${given.replace(":", " Got")}`, { input, target });
    }
    const advice = target.length === 2 && target[1] === 1 ? "; target.squeeze(1) would fit" : "";
    fail(op, `0D or 1D target tensor expected, multi-target not supported${given}${advice}`,
      { input, target });
  }
  fail(op, `Expected target size ${showShape(expected)}, got ${showShape(target)}`,
    { input, target });
}

/**
 * The values of a tensor with a weight for each class; `null` stands for ones.
 * @throws when it has another size
 */
export function classWeights(
  op: string, weight: Tensor | null | undefined, classes: number,
): TypedArray | null {
  if (weight === null || weight === undefined) return null;
  checkTensor(op, "weight", weight);
  if (weight.ndim !== 1 || weight.shape[0] !== classes) {
    fail(op, `weight tensor should be defined either for all ${classes} classes or no classes ` +
      `but got weight tensor of shape: ${showShape(weight.shape)}`, { weight: weight.shape });
  }
  return copyOf(weight).storage.values;
}
