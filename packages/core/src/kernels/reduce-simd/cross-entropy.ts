// Cross entropy of class targets as reductions: loss and gradient in one kernel each.
import { constant, variable, type Expression } from "../../expression/expression.ts";
import { accumulator, count, passes, position, type Reduction } from "../reduce.ts";

/** Which options a program knows about. */
export interface CrossEntropyForm {
  /** Whether there is a factor for each class. */
  readonly isWeighted: boolean;
  /** Whether a share of the target is spread over all classes. */
  readonly isSmoothed: boolean;
}

/**
 * Inputs `input`, `target` (the same along the classes), with `isWeighted` `weight` (the same for
 * all samples), and for the gradient `cotangent` (the same along the classes); scalars
 * `ignoreIndex` and, with `isSmoothed`, `labelSmoothing`.
 */
export interface CrossEntropy {
  /** `own (1 - s) (ln Σ eˣ - x_t) + s / n Σ_c w_c (ln Σ eˣ - x_c)` of each sample. */
  readonly loss: Reduction;
  /** Its gradient, stored at every score, times the cotangent of the sample. */
  readonly gradient: Reduction;
}

const programs = new Map<string, CrossEntropy>();

/** The programs of one form. Samples whose target is `ignoreIndex` give 0. */
export function crossEntropyPrograms(form: CrossEntropyForm): CrossEntropy {
  const key = `${form.isWeighted}${form.isSmoothed}`;
  let known = programs.get(key);
  if (known === undefined) programs.set(key, known = build(form));
  return known;
}

function build({ isWeighted, isSmoothed }: CrossEntropyForm): CrossEntropy {
  const [x, target, weight, cotangent] =
    ["input", "target", "weight", "cotangent"].map(variable);
  const [largest, total, present, own, picked, allWeights, weighted] =
    [0, 1, 2, 3, 4, 5, 6].map(accumulator);
  const smoothing = variable("labelSmoothing");
  const isChosen = position.eq(target).and(target.ne(variable("ignoreIndex")));
  const factor: Expression = isWeighted ? weight : constant(1);
  const shifted = x.sub(largest);
  const exponential = shifted.exp();
  const findLargest = { initial: [-Infinity], steps: [largest.max(x)] };
  const sums = {
    initial: [0, 0, 0, 0],
    steps: [total.add(exponential), isChosen.select(1, present),
      own.add(isChosen.select(factor, 0)), picked.add(isChosen.select(shifted, 0))],
  };
  const spread = {
    initial: [0, 0],
    steps: [allWeights.add(factor), weighted.add(factor.mul(shifted))],
  };
  const share = smoothing.div(count);
  const kept = own.mul(smoothing.neg().add(1));
  const missed = own.mul(total.log().sub(picked));
  const loss = !isSmoothed ? missed
    : kept.mul(total.log().sub(picked)).add(
      share.mul(allWeights.mul(total.log()).sub(weighted)));
  const probability = exponential.div(total);
  const slope = !isSmoothed
    ? own.mul(probability).sub(isChosen.select(own, 0))
    : probability.mul(kept.add(share.mul(allWeights))).sub(isChosen.select(kept, 0))
      .sub(factor.mul(share));
  const inputs = ["input", "target", ...isWeighted ? ["weight"] : []];
  const scalars = ["ignoreIndex", ...isSmoothed ? ["labelSmoothing"] : []];
  const isIgnored = present.eq(0);
  return {
    loss: passes({
      inputs, scalars, results: [isIgnored.select(0, loss)],
      passes: [findLargest, isSmoothed
        ? { initial: [...sums.initial, ...spread.initial], steps: [...sums.steps, ...spread.steps] }
        : sums],
    }),
    gradient: passes({
      inputs: [...inputs, "cotangent"], scalars,
      passes: [findLargest,
        isSmoothed ? { initial: [...sums.initial, 0],
          steps: [...sums.steps, spread.steps[0]] } : sums,
        { initial: [], steps: [], stores: [isIgnored.select(0, cotangent.mul(slope))] }],
    }),
  };
}
