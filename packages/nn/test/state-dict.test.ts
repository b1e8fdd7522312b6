// Taking and loading state: all of it or none of it, with every problem in one message.
import { describe, expect, it } from "vitest";
import { full, noGrad, ones, tensor, zeros, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

const linear = () => new nn.Linear(2, 2);
const values = (module: nn.Module) =>
  [...module.stateDict()].map(([name, value]) => [name, value.tolist()]);

describe("stateDict", () => {
  it("gives detached tensors that share memory", () => {
    const layer = linear();
    const weight = layer.stateDict().get("weight")!;
    expect(weight.requiresGrad).toBe(false);
    noGrad(() => layer.weight.fill_(7));
    expect(weight.tolist()).toEqual([[7, 7], [7, 7]]);
  });

  it("lists every name of shared parameters", () => {
    const layer = linear();
    const tied = new nn.Sequential(layer, layer);
    expect([...tied.stateDict().keys()]).toEqual(["0.weight", "0.bias", "1.weight", "1.bias"]);
    expect(tied.parameters()).toHaveLength(2);
  });

  it("goes round: another module of the same build takes the values", () => {
    const [from, to] = [1, 2].map(() => new nn.Sequential(linear(), linear()));
    const weights = to.parameters();
    const result = to.loadStateDict(from.stateDict());
    expect(result).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(values(to)).toEqual(values(from));
    expect(to.parameters()).toEqual(weights);
    to.parameters().forEach((parameter, i) => expect(parameter).toBe(weights[i]));
  });

  it("loads plain objects and converts dtypes", () => {
    const layer = linear();
    layer.loadStateDict({
      weight: ones([2, 2], { dtype: "float64" }), bias: tensor([1, 2], { dtype: "int32" }),
    });
    expect(values(layer)).toEqual([["weight", [[1, 1], [1, 1]]], ["bias", [1, 2]]]);
    expect(layer.weight.dtype).toBe("float32");
  });

  it("loads values that lie in the memory that is written", () => {
    const model = new nn.Sequential(new nn.Linear(1, 1), new nn.Linear(1, 1));
    const [a, , b] = model.parameters().map((parameter) => parameter.item());
    const state = model.stateDict();
    model.loadStateDict(new Map([...state].map(([name, value]) =>
      [name, name === "0.weight" ? state.get("1.weight")!
        : name === "1.weight" ? state.get("0.weight")! : value])));
    expect([model[0].weight.item(), model[1].weight.item()]).toEqual([b, a]);
  });

  it("counts as a write", () => {
    const layer = linear();
    const loss = layer.weight.mul(layer.weight).sum();
    layer.loadStateDict(layer.stateDict());
    expect(() => loss.backward()).toThrow("modified by an inplace operation");
  });
});

describe("loadStateDict refuses", () => {
  const bad = {
    weight: full([3, 2], 9), foo: zeros([1]), bar: zeros([1]),
  };

  it("with PyTorch's message, all problems at once, and changes nothing", () => {
    const layer = linear();
    const before = values(layer);
    const message =
      "loadStateDict: Error(s) in loading state_dict for Linear:\n" +
      '\tMissing key(s) in state_dict: "bias". \n' +
      '\tUnexpected key(s) in state_dict: "foo", "bar". \n' +
      "\tsize mismatch for weight: copying a param with shape torch.Size([3, 2]) from " +
      "checkpoint, the shape in current model is torch.Size([2, 2]).";
    expect(() => layer.loadStateDict(bad)).toThrow(expect.objectContaining({ message }));
    expect(values(layer)).toEqual(before);
    expect(layer.weight._version).toBe(linear().weight._version);
  });

  it("a wrong shape after right ones, leaving those alone", () => {
    const layer = linear();
    const before = values(layer);
    expect(() => layer.loadStateDict({ weight: ones([2, 2]), bias: ones([3]) }))
      .toThrow("size mismatch for bias");
    expect(values(layer)).toEqual(before);
  });

  it("wrong shapes even when names need not agree", () => {
    expect(() => linear().loadStateDict(bad, { strict: false }))
      .toThrow("size mismatch for weight");
    const result = linear().loadStateDict({ bias: zeros([2]), foo: zeros([1]) }, { strict: false });
    expect(result).toEqual({ missingKeys: ["weight"], unexpectedKeys: ["foo"] });
  });

  it.each<[unknown, string]>([
    [3, "Expected state_dict to be dict-like, got 3."],
    [null, "Expected state_dict to be dict-like"],
    [{ weight: 3, bias: zeros([2]) },
      'While copying the parameter named "weight", expected torch.Tensor or Tensor-like object ' +
      "from checkpoint but received 3"],
  ])("%s", (state, message) => {
    expect(() => linear().loadStateDict(state as Record<string, Tensor>)).toThrow(message);
  });
});
