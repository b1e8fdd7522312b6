// How modules print: PyTorch's layout, our names.
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { ones, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

describe("a module prints", () => {
  it.each<[nn.Module, string]>([
    [new nn.Linear(3, 4), "Linear(inFeatures=3, outFeatures=4, bias=true)"],
    [new nn.Linear(3, 4, { bias: false }), "Linear(inFeatures=3, outFeatures=4, bias=false)"],
    [new nn.Identity(), "Identity()"],
    [new nn.Flatten(), "Flatten(startDim=1, endDim=-1)"],
    [new nn.Unflatten(1, [2, 3]), "Unflatten(dim=1, unflattenedSize=(2, 3))"],
    [new nn.ReLU(), "ReLU()"],
    [new nn.LeakyReLU(), "LeakyReLU(negativeSlope=0.01)"],
    [new nn.LeakyReLU(0.2), "LeakyReLU(negativeSlope=0.2)"],
    [new nn.Sigmoid(), "Sigmoid()"],
    [new nn.Tanh(), "Tanh()"],
    [new nn.Softmax(1), "Softmax(dim=1)"],
    [new nn.LogSoftmax(-1), "LogSoftmax(dim=-1)"],
    [new nn.GELU(), "GELU(approximate='none')"],
    [new nn.Softplus(), "Softplus(beta=1, threshold=20)"],
    [new nn.Dropout(), "Dropout(p=0.5, inplace=false)"],
    [new nn.Embedding(10, 3), "Embedding(10, 3)"],
    [new nn.Embedding(10, 3, { paddingIdx: 0 }), "Embedding(10, 3, paddingIdx=0)"],
    [new nn.MSELoss(), "MSELoss()"],
    [new nn.CrossEntropyLoss({ weight: ones([3]) }), "CrossEntropyLoss()"],
    [new nn.Sequential(), "Sequential()"],
  ])("%s", (module, text) => expect(module.toString()).toBe(text));

  it("children below, indented", () => {
    const model = new nn.Sequential(
      new nn.Linear(3, 4), new nn.Sequential(new nn.ReLU()), new nn.ModuleList([new nn.Tanh()]),
      new nn.ModuleDict({ a: new nn.Sigmoid() }));
    expect(`${model}`).toBe(`Sequential(
  (0): Linear(inFeatures=3, outFeatures=4, bias=true)
  (1): Sequential(
    (0): ReLU()
  )
  (2): ModuleList(
    (0): Tanh()
  )
  (3): ModuleDict(
    (a): Sigmoid()
  )
)`);
    expect(inspect(model)).toBe(`${model}`);
  });

  it("settings of several lines above its children", () => {
    class Scaled extends nn.Module {
      inner = new nn.ReLU();
      forward(x: Tensor): Tensor { return this.inner(x); }
      override extraRepr(): string { return "a=1\nb=2"; }
    }
    expect(`${new Scaled()}`).toBe("Scaled(\n  a=1\n  b=2\n  (inner): ReLU()\n)");
  });
});

describe("a parameter prints", () => {
  it("that it contains a tensor", () => {
    expect(`${new nn.Parameter(ones([2]))}`)
      .toBe("Parameter containing:\ntensor([1., 1.], requiresGrad=true)");
    expect(inspect(new nn.Parameter(ones([2]), { requiresGrad: false })))
      .toBe("Parameter containing:\ntensor([1., 1.])");
  });
});
