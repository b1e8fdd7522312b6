// Ranked tests on losses; values by torch 1.13 in float64.
import { describe, expect, it } from "vitest";
import { grad, tensor, type Nested, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

const F = nn.functional;
const real = (values: Nested) => tensor(values as never, { dtype: "float64" });
const reductions = ["none", "sum", "mean"] as const;

const logits = real([[1, 2, 3], [0, -1, 0.5], [2, 2, -2]]).requiresGrad_();
const target = tensor([2, 0, 1], { dtype: "int32" });
const weight = real([1, 2, 0.5]);

/** Both sides were computed in float64 from exponentials and logarithms of small numbers. */
function expectClose(actual: Tensor, expected: number | readonly number[]): void {
  const values = [actual.tolist<number | number[]>()].flat();
  [expected].flat().forEach((value, i) => expect(values[i]).toBeCloseTo(value, 13));
}

describe("crossEntropy", () => {
  it.each<[object, [number[], number, number]]>([
    [{ labelSmoothing: 0.2, weight, ignoreIndex: 1 },
      [[0.5248171108147743, 1.2576016255146194, 0], 1.7824187363293937, 1.188279157552929]],
    [{ labelSmoothing: 0.2, ignoreIndex: 1 },
      [[0.6076059644443805, 1.1374639386700616, 0], 1.7450699031144423, 0.8725349515572212]],
    [{ labelSmoothing: 0.3, weight },
      [[0.6853241751110662, 1.3343371356035647, 1.4289608125184166], 3.448622123233047,
        0.9853206066380136]],
  ])("%o (test_cross_entropy_label_smoothing_weight_ignore_indices)", (options, expected) => {
    reductions.forEach((reduction, i) =>
      expectClose(F.crossEntropy(logits, target, { ...options, reduction }), expected[i]));
  });

  it("takes probabilities (test_cross_entropy_loss_prob_target_all_reductions)", () => {
    const shares = real([[0.2, 0.3, 0.5], [1, 0, 0], [0.1, 0.8, 0.1]]);
    const expected = [
      [1.4279862626665996, 1.1041306053367284, 1.4289608125184168], 3.9610776805217447,
      1.3203592268405815,
    ];
    reductions.forEach((reduction, i) =>
      expectClose(F.crossEntropy(logits, shares, { weight, reduction }), expected[i]));
  });

  it("of ignored targets only is 0, and its mean NaN (test_nll_loss_all_ignored)", () => {
    const ignored = tensor([-100, -100, -100], { dtype: "int32" });
    const losses = (f: typeof F.nllLoss) =>
      reductions.map((reduction) => f(logits, ignored, { reduction }).tolist());
    expect(losses(F.crossEntropy)).toEqual([[0, 0, 0], 0, NaN]);
    expect(losses(F.nllLoss).at(-1)).toBeNaN();
  });
});

describe("binaryCrossEntropyWithLogits", () => {
  it("neither overflows nor loses its gradient (test_bce_with_logits_stability)", () => {
    const output = real([0, -120]).requiresGrad_();
    const loss = F.binaryCrossEntropyWithLogits(output, real([0, 1]), { reduction: "none" });
    expectClose(loss, [Math.LN2, 120]);
    expect(grad(loss.sum(), output)[0].tolist()).toEqual([0.5, -1]);
  });

  it.each<[number[] | number[][], number]>([
    [[2, 3], 2.305104417103005], [[[2, 3], [2, 3]], 2.305104417103005],
    [[[2], [3]], 1.838397539222839],
  ])("broadcasts weights %j (test_bce_with_logits_broadcasts_pos_weights)", (values, expected) => {
    const [output, target] = [real([[1, -2], [0.5, 0]]), real([[0.3, 0.9], [0.1, 0.5]])];
    const loss = F.binaryCrossEntropyWithLogits(output, target, { posWeight: real(values) });
    expectClose(loss, expected);
  });
});
