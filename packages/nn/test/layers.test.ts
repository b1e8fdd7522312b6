// Layers beyond the fixtures: padding rows, dropout, and what they refuse.
import { describe, expect, it } from "vitest";
import { manualSeed, ones, rand, randn, tensor, zeros } from "@chainrule/core";
import * as nn from "@chainrule/nn";

const F = nn.functional;

describe("Embedding", () => {
  it("starts its padding row at zero and gives it no gradient", () => {
    const layer = new nn.Embedding(4, 2, { paddingIdx: -1 });
    expect(layer.paddingIdx).toBe(3);
    expect(layer.weight.tolist<number[][]>()[3]).toEqual([0, 0]);
    layer(tensor([3, 0, 0, 3], { dtype: "int32" })).sum().backward();
    expect(layer.weight.grad!.tolist()).toEqual([[2, 2], [0, 0], [0, 0], [0, 0]]);
  });

  it("draws as it would without padding", () => {
    manualSeed(4);
    const plain = new nn.Embedding(3, 2).weight.tolist<number[][]>();
    const after = rand([1]).item();
    manualSeed(4);
    const padded = new nn.Embedding(3, 2, { paddingIdx: 1 }).weight.tolist();
    expect(padded).toEqual([plain[0], [0, 0], plain[2]]);
    expect(rand([1]).item()).toBe(after);
  });

  it("takes whole numbers of a float dtype", () => {
    const table = tensor([[1, 2], [3, 4]]);
    expect(F.embedding(tensor([1, 0]), table).tolist()).toEqual([[3, 4], [1, 2]]);
    expect(() => F.embedding(tensor([0.5]), table)).toThrow("scalar types: Long, Int");
    expect(() => F.embedding(tensor([-1]), table)).toThrow("index out of range in self");
  });
});

describe("Dropout", () => {
  it("does nothing outside training", () => {
    const layer = new nn.Dropout().eval();
    const x = randn([8]);
    expect(layer(x)).toBe(x);
  });

  it("makes NaN of what is not finite where it is dropped", () => {
    const values = F.dropout(tensor([NaN, Infinity, 1]), { p: 1 }).tolist();
    expect(values).toEqual([NaN, NaN, 0]);
  });

  it("draws nothing for p = 0, p = 1, no elements, and outside training", () => {
    manualSeed(1);
    const expected = rand([1]).item();
    manualSeed(1);
    F.dropout(ones([3]), { p: 0 });
    F.dropout(ones([3]), { p: 1 });
    F.dropout(ones([0]));
    F.dropout(ones([3]), { training: false });
    expect(rand([1]).item()).toBe(expected);
  });

  it("masks rows of a transposed input in logical order", () => {
    const mask = (x: ReturnType<typeof ones>) => {
      manualSeed(3);
      return F.dropout(x).tolist();
    };
    expect(mask(ones([5, 4]).transpose(0, 1))).toEqual(mask(ones([4, 5])));
  });

  it.each([1.5, -0.1, NaN, "0.5"])("refuses p = %s", (p) => {
    expect(() => new nn.Dropout(p as number))
      .toThrow("dropout probability has to be between 0 and 1, but got");
  });
});

describe("refusals", () => {
  it.each<[() => unknown, string]>([
    [() => new nn.Linear(3, 4)(ones([2, 5])),
      "linear: mat1 and mat2 shapes cannot be multiplied (2x5 and 3x4): input [2, 5] has 5 " +
      "features, weight [4, 3] takes 3"],
    [() => new nn.Linear(3, 4)(ones([2, 0])), "cannot be multiplied (2x0 and 3x4)"],
    [() => new nn.Linear(2.5, 1), "inFeatures must be a whole number"],
    [() => new nn.Linear(2, 1, { bias: 1 as never }), "bias must be true or false"],
    [() => new nn.Softmax(undefined as never), "needs the dimension"],
    [() => new nn.GELU({ approximate: "erf" as never }), "GELU: approximate argument must be"],
    [() => new nn.Embedding(3, 2, { paddingIdx: 3 }), "Padding_idx must be within num_embeddings"],
    [() => new nn.MSELoss({ reduction: "avg" as never }), "avg is not a valid value for reduction"],
    [() => new nn.MSELoss()(zeros([4, 1]), zeros([4])), "target.unsqueeze(-1) would fit"],
    [() => new nn.CrossEntropyLoss({ weight: ones([2]) })(zeros([1, 3]), zeros([1])),
      "weight tensor should be defined either for all 3 classes or no classes but got weight " +
      "tensor of shape: [2]"],
    [() => F.crossEntropy(zeros([2, 3]), zeros([2, 1])), "target.squeeze(1) would fit"],
    [() => F.crossEntropy(zeros([2, 3]), zeros([2, 3], { dtype: "int32" })),
      "Expected floating point type for target with class probabilities"],
  ])("%s", (call, message) => expect(call).toThrow(message));
});

describe("losses", () => {
  it("share class weights as buffers of their state", () => {
    const loss = new nn.CrossEntropyLoss({ weight: tensor([1, 2]) });
    expect([...loss.stateDict().keys()]).toEqual(["weight"]);
    expect(loss.parameters()).toEqual([]);
  });

  it("skip zeros of probability targets where a logit is -∞", () => {
    const logits = tensor([[0, -Infinity, 0]]);
    const loss = F.crossEntropy(logits, tensor([[0.5, 0, 0.5]]));
    expect(loss.item()).toBeCloseTo(Math.log(2), 6);
  });

  it("agree with float64 to 1e-7 relative for a batch of MNIST's size", () => {
    manualSeed(0);
    const logits = randn([256, 10]).mul(4);
    const target = rand([256]).mul(10).floor().to("int32");
    const exact = F.crossEntropy(logits.to("float64"), target).item();
    const single = F.crossEntropy(logits, target).item();
    expect(Math.abs(single - exact) / exact).toBeLessThan(1e-7);
  });
});
