// func.functionalCall and stackModuleState: modules as functions of their parameters.
import { describe, expect, it, vi } from "vitest";
import { manualSeed, noGrad, randn, randnLike, tensor, type Tensor } from "@chainrule/core";
import * as func from "../../core/src/transforms/func.ts";
import * as nn from "../src/index.ts";

const { functionalCall, stackModuleState, grad, jvp, hessian } = func;
manualSeed(17);

/** A module that holds parameters and buffers in every way there is. */
class Net extends nn.Module {
  first = new nn.Linear(3, 4);
  list = [new nn.Linear(4, 4), new nn.Parameter(randn([4]))] as const;
  scales = new Map([["a", new nn.Parameter(tensor([2]))]]);
  tail = new nn.Sequential(new nn.Tanh(), new nn.Linear(4, 2));
  mean = new nn.Buffer(tensor([0.5]));

  forward(x: Tensor): Tensor {
    const [layer, offset] = this.list;
    return this.tail(layer(this.first(x)).add(offset).mul(this.scales.get("a")!).sub(this.mean));
  }
}

const stateOf = (module: nn.Module): Record<string, Tensor> =>
  Object.fromEntries([...module.namedParameters(), ...module.namedBuffers()]);
const detached = (state: Record<string, Tensor>) =>
  Object.fromEntries(Object.entries(state).map(([name, value]) => [name, value.detach()]));

describe("functionalCall", () => {
  const model = new Net();
  const x = randn([5, 3]);

  it("computes with the given tensors and leaves the module as it was", () => {
    const other = new Net();
    const before = stateOf(model);
    const output = functionalCall(model, stateOf(other), [x]);
    expect(output.tolist()).toEqual(other(x).tolist());
    expect(output.tolist()).not.toEqual(model(x).tolist());
    const after = stateOf(model);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const name of Object.keys(before)) expect(after[name]).toBe(before[name]);
  });

  it("works on a module that has never been called, with plain tensors", () => {
    const warn = vi.spyOn(console, "warn");
    const fresh = new Net();
    const state = detached(stateOf(new Net()));
    const names: string[] = [];
    fresh.forward = function forward(this: Net, input: Tensor) {
      names.push(...this.namedParameters().map(([name]) => name));
      return Net.prototype.forward.call(this, input);
    };
    functionalCall(fresh, state, [x]);
    expect(names).toEqual(fresh.namedParameters().map(([name]) => name));
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it("takes some of the tensors, and several objects", () => {
    const bias = tensor([1, 1]);
    const expected = noGrad(() => {
      const copy = new Net();
      copy.loadStateDict(model.stateDict());
      copy.getParameter("tail.1.bias").copy_(bias);
      copy.getBuffer("mean").copy_(tensor([0.25]));
      return copy(x).tolist();
    });
    const call = functionalCall(model, [{ "tail.1.bias": bias }, { mean: tensor([0.25]) }], [x]);
    expect(call.tolist()).toEqual(expected);
  });

  it("has the gradients that backward accumulates", () => {
    const loss = (state: func.State) => functionalCall(model, state, [x]).square().mean();
    const gradients = grad(loss)(detached(stateOf(model)));
    model(x).square().mean().backward();
    for (const [name, parameter] of model.namedParameters()) {
      expect(gradients[name].requiresGrad).toBe(false);
      expect(gradients[name].tolist()).toEqual(parameter.grad!.tolist());
    }
    model.zeroGrad();
  });

  it("passes tangents: the derivative along a direction is ⟨gradient, direction⟩", () => {
    const double = new Net().double();
    const input = randn([5, 3], { dtype: "float64" });
    const loss = (state: func.State) => functionalCall(double, state, [input]).exp().mean();
    const state = detached(stateOf(double));
    const along = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [name, randnLike(value)]));
    const gradients = grad(loss)(state);
    const expected = Object.keys(state).reduce((sum, name) =>
      sum + gradients[name].mul(along[name]).sum().item(), 0);
    const tangent = jvp(loss, [state], [along])[1].item();
    expect(tangent).toBeCloseTo(expected, 12);
  });

  it("gives Hessians by pairs of names", () => {
    const layer = new nn.Linear(2, 1).double();
    const input = tensor([[1, 2]], { dtype: "float64" });
    const second = hessian((state: func.State) =>
      functionalCall(layer, state, [input]).pow(2).sum())(detached(stateOf(layer)));
    // (w·x + b)²: 2 x xᵀ, 2 x, 2
    expect(second.weight.weight.tolist()).toEqual([[[[2, 4]], [[4, 8]]]]);
    expect(second.weight.bias.tolist()).toEqual([[[2], [4]]]);
    expect(second.bias.bias.tolist()).toEqual([[2]]);
  });

  it("replaces tied tensors together, or not", () => {
    class Tied extends nn.Module {
      a = new nn.Parameter(tensor([1]));
      b = this.a;
      forward(y: Tensor): Tensor { return this.a.mul(10).add(this.b).mul(y); }
    }
    const tied = new Tied();
    const one = tensor([1]);
    const [two, three] = [tensor([2]), tensor([3])];
    expect(functionalCall(tied, { a: two }, [one]).tolist()).toEqual([22]);
    expect(functionalCall(tied, { b: two }, [one]).tolist()).toEqual([22]);
    expect(functionalCall(tied, { a: two }, [one], { tieWeights: false }).tolist()).toEqual([21]);
    expect(functionalCall(tied, { a: two, b: three }, [one], { tieWeights: false }).tolist())
      .toEqual([23]);
    expect(() => functionalCall(tied, { a: two, b: three }, [one]))
      .toThrow("got multiple values for keys a and b, which are tied");
    expect(functionalCall(tied, { a: two }, [one], { strict: true }).tolist()).toEqual([22]);
    expect(tied.b).toBe(tied.a);
  });

  it("puts everything back when forward fails", () => {
    const before = stateOf(model);
    expect(() => functionalCall(model, stateOf(new Net()), [randn([5, 2])]))
      .toThrow(/shapes? cannot be multiplied|inner sizes|expects/);
    for (const [name, value] of Object.entries(stateOf(model))) expect(value).toBe(before[name]);
  });

  it.each<[string, () => unknown, string]>([
    ["an unknown name", () => functionalCall(model, { nothing: tensor(1) }, [x]),
      "Unexpected key(s): nothing. The module has list.1, scales.a, mean, first.weight"],
    ["a missing name", () => functionalCall(model, { mean: tensor([1]) }, [x], { strict: true }),
      "Missing key(s): list.1, scales.a, first.weight"],
    ["another shape", () => functionalCall(model, { mean: tensor([1, 2]) }, [x]),
      "`mean` must have the shape of the module's own, [1], got [2]"],
    ["a name twice", () => functionalCall(model, [{ mean: tensor([1]) }, { mean: tensor([1]) }], [x]),
      "`mean` appears in several objects"],
    ["what is no tensor", () => functionalCall(model, { mean: 3 as unknown as Tensor }, [x]),
      "`mean` must be a tensor, got 3"],
    ["what is no module", () => functionalCall((() => x) as never, {}, [x]), "takes a module"],
    ["arguments outside an array", () => functionalCall(model, {}, x as unknown as [Tensor]),
      "the arguments of the module go in an array"],
  ])("refuses %s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe("stackModuleState", () => {
  it("stacks parameters and buffers by name, as leaves", () => {
    const models = [new Net(), new Net(), new Net()];
    const [parameters, buffers] = stackModuleState(models);
    expect(Object.keys(parameters)).toEqual(models[0].namedParameters().map(([name]) => name));
    expect(parameters["first.weight"].shape).toEqual([3, 4, 3]);
    expect(parameters["first.weight"].select(0, 1).tolist())
      .toEqual(models[1].first.weight.tolist());
    expect([parameters["list.1"].requiresGrad, parameters["list.1"].isLeaf]).toEqual([true, true]);
    expect([buffers.mean.shape, buffers.mean.requiresGrad]).toEqual([[3, 1], false]);
  });

  it.each<[string, () => nn.Module[], string]>([
    ["none", () => [], "Expected at least one model, got 0."],
    ["several classes", () => [new Net(), new nn.Tanh()], "to be of the same class"],
    ["several modes", () => [new Net(), new Net().eval()], "the same training/eval mode"],
    ["several shapes of Sequential", () => [new nn.Sequential(new nn.Linear(1, 1)),
      new nn.Sequential(new nn.Tanh())], "the same parameters and buffers"],
  ])("refuses %s", (_, models, message) => {
    expect(() => stackModuleState(models())).toThrow(message);
  });
});
