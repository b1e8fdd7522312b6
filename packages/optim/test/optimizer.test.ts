// Laws of every optimizer: what is skipped, what is saved, what is refused.
import { describe, expect, test } from "vitest";
import { isGradEnabled, ones, tensor, zeros, type Tensor } from "@chainrule/core";
import { Adam, AdamW, SGD } from "../src/index.ts";

const makers = [
  ["SGD", (params: Tensor[], lr = 0.1) => new SGD(params, { lr })],
  ["SGD with momentum", (params: Tensor[], lr = 0.1) => new SGD(params, { lr, momentum: 0.9 })],
  ["SGD with nesterov",
    (params: Tensor[], lr = 0.1) => new SGD(params, { lr, momentum: 0.9, nesterov: true })],
  ["Adam", (params: Tensor[], lr = 0.1) => new Adam(params, { lr })],
  ["Adam with amsgrad", (params: Tensor[], lr = 0.1) => new Adam(params, { lr, amsgrad: true })],
  ["AdamW", (params: Tensor[], lr = 0.1) => new AdamW(params, { lr })],
] as const;

/** `Σ c (p - target)²`, smallest at `target`. */
function loss(param: Tensor, target: Tensor): Tensor {
  const difference = param.add(target, { alpha: -1 });
  return difference.mul(difference).mul(tensor([1, 2, 3])).sum();
}

function step(optimizer: { zeroGrad(): void; step(): unknown }, value: () => Tensor): number {
  optimizer.zeroGrad();
  const result = value();
  result.backward();
  optimizer.step();
  return result.item();
}

describe.each(makers)("%s", (_, make) => {
  const target = tensor([0.5, -1, 2]);

  test("goes downhill", () => {
    const param = zeros([3], { requiresGrad: true });
    const optimizer = make([param], 0.02);
    const first = step(optimizer, () => loss(param, target));
    for (let i = 0; i < 300; i++) step(optimizer, () => loss(param, target));
    expect(loss(param, target).item()).toBeLessThan(first / 100);
  });

  test("leaves parameters without a gradient alone, state included", () => {
    const [used, unused] = [ones([3], { requiresGrad: true }), ones([2], { requiresGrad: true })];
    const optimizer = make([used, unused]);
    step(optimizer, () => loss(used, target));
    expect(unused.tolist()).toEqual([1, 1]);
    expect(unused._version).toBe(0);
    expect(optimizer.state.has(unused)).toBe(false);
  });

  test("counts each step as a write", () => {
    const param = ones([3], { requiresGrad: true });
    step(make([param]), () => loss(param, target));
    expect(param._version).toBe(1);
    expect(param.isLeaf).toBe(true);
  });

  test("continues bit by bit after its state was saved and loaded", () => {
    const param = ones([3], { requiresGrad: true });
    const optimizer = make([param]);
    for (let i = 0; i < 5; i++) step(optimizer, () => loss(param, target));
    const copy = param.detach().clone().requiresGrad_();
    const other = make([copy], 7);
    other.loadStateDict(optimizer.stateDict());
    for (let i = 0; i < 10; i++) {
      step(optimizer, () => loss(param, target));
      step(other, () => loss(copy, target));
      expect(copy.tolist()).toEqual(param.tolist());
    }
  });

  test("runs a closure with recording and returns its result", () => {
    const param = ones([3], { requiresGrad: true });
    const optimizer = make([param]);
    const result = optimizer.step(() => {
      expect(isGradEnabled()).toBe(true);
      optimizer.zeroGrad();
      const value = loss(param, target);
      value.backward();
      return value;
    });
    expect(result.item()).toBeGreaterThan(0);
    expect(param._version).toBe(1);
  });

  test("refuses a state that does not fit and changes nothing", () => {
    const param = ones([3], { requiresGrad: true });
    const optimizer = make([param]);
    step(optimizer, () => loss(param, target));
    const before = JSON.stringify(optimizer.stateDict().paramGroups);
    const dict = optimizer.stateDict();
    expect(() => optimizer.loadStateDict({ ...dict, paramGroups: [] }))
      .toThrow("loaded state dict has a different number of parameter groups");
    expect(() => optimizer.loadStateDict({ ...dict, paramGroups: [{ ...dict.paramGroups[0],
      params: [0, 1] }] })).toThrow("doesn't match the size of optimizer's group");
    expect(() => optimizer.loadStateDict({ ...dict, paramGroups: [{ ...dict.paramGroups[0],
      lr: -1 }] })).toThrow("Invalid learning rate: -1");
    const wrong = { ...dict.state[0], wrong: zeros([2]) };
    expect(() => optimizer.loadStateDict({ ...dict, state: { 0: wrong } }))
      .toThrow("wrong of parameter 0 has shape [2], the parameter has [3]");
    expect(() => optimizer.loadStateDict({ ...dict, state: { 0: { wrong: {} as never } } }))
      .toThrow(/ of parameter 0 must be a (number|tensor), got /);
    expect(() => optimizer.loadStateDict({ ...dict, state: { 0: null as never } }))
      .toThrow("state of parameter 0 must be an object, got null");
    expect(() => optimizer.loadStateDict({ ...dict, paramGroups: [null as never] }))
      .toThrow("doesn't match the size of optimizer's group 0: undefined");
    expect(JSON.stringify(optimizer.stateDict().paramGroups)).toBe(before);
  });
});

describe("construction", () => {
  const param = () => ones([2], { requiresGrad: true });

  test.each([
    [() => new SGD([]), "optimizer got an empty parameter list"],
    [() => new SGD(param() as never), "params argument given to the optimizer should be an iterable"],
    [() => new SGD(new Set([param()])), "organized in ordered collections"],
    [() => new SGD([3 as never]), "a parameter group is an object with params, got 3"],
    [() => new SGD([param().mul(2)]), "can't optimize a non-leaf Tensor"],
    [() => { const p = param(); return new SGD([{ params: p }, { params: [p] }]); },
      "some parameters appear in more than one parameter group"],
    [() => new Adam([param()], { lr: -1 }), "Invalid learning rate: -1"],
    [() => new Adam([param()], { lr: NaN }), "Invalid learning rate: NaN"],
    [() => new Adam([param()], { betas: [1, 0.9] }), "Invalid beta parameter at index 0: 1"],
    [() => new Adam([param()], { eps: -1 }), "Invalid epsilon value: -1"],
    [() => new AdamW([param()], { weightDecay: -1 }), "Invalid weight_decay value: -1"],
    [() => new SGD([param()], { nesterov: true }),
      "Nesterov momentum requires a momentum and zero dampening"],
    [() => new SGD([param()], { momentum: -0.1 }), "Invalid momentum value: -0.1"],
    [() => new SGD([param()], { learningRate: 1 } as never), "unknown option learningRate"],
    [() => new SGD([{ params: [param()], lr: -2 }]), "Invalid learning rate: -2"],
  ])("is refused: %#", (make, message) => expect(make).toThrow(message));

  test("a state that went through JSON is refused, and so is one that lacks a part", () => {
    const p = param();
    const optimizer = new Adam([p]);
    p.grad = ones([2]);
    optimizer.step();
    const dict = optimizer.stateDict();
    expect(() => optimizer.loadStateDict(JSON.parse(JSON.stringify(dict))))
      .toThrow("Adam.loadStateDict: expAvg of parameter 0 must be a tensor, got {");
    expect(() => optimizer.loadStateDict({ ...dict, state: { 0: { step: 1 } } }))
      .toThrow("expAvg of parameter 0 must be a tensor, got undefined");
    expect(() => optimizer.loadStateDict({ ...dict, state: { 0: {} } }))
      .toThrow("step of parameter 0 must be a number, got undefined");
  });

  test("misspelt options of zeroGrad, and a closure that is none, are refused", () => {
    const optimizer = new SGD([param()]);
    expect(() => optimizer.zeroGrad({ set_to_none: false } as never))
      .toThrow("SGD.zeroGrad: unknown option set_to_none; there is setToNone");
    expect(() => optimizer.step(3 as never)).toThrow("SGD.step: takes a function");
  });

  test("takes groups with options of their own", () => {
    const [a, b] = [param(), param()];
    const optimizer = new SGD([{ params: [a] }, { params: b, lr: 0 }], { lr: 1 });
    a.grad = ones([2]);
    b.grad = ones([2]);
    optimizer.step();
    expect(a.tolist()).toEqual([0, 0]);
    expect(b.tolist()).toEqual([1, 1]);
  });

  test("reads rates anew at each step and refuses those out of range", () => {
    const p = param();
    const optimizer = new SGD([p], { lr: 1 });
    p.grad = ones([2]);
    optimizer.paramGroups[0].lr = 0.5;
    optimizer.step();
    expect(p.tolist()).toEqual([0.5, 0.5]);
    optimizer.paramGroups[0].lr = -1;
    expect(() => optimizer.step()).toThrow("Invalid learning rate");
    expect(p.tolist()).toEqual([0.5, 0.5]);
  });

  test("prints its groups with sorted options", () => {
    expect(String(new SGD([param()], { lr: 0.1 }))).toBe("SGD (\nParameter Group 0\n" +
      "    dampening: 0\n    lr: 0.1\n    maximize: false\n    momentum: 0\n" +
      "    nesterov: false\n    weightDecay: 0\n)");
  });
});

test("zeroGrad drops gradients, or zeroes them", () => {
  const param = ones([2], { requiresGrad: true });
  const optimizer = new SGD([param]);
  param.grad = ones([2]);
  const kept = param.grad;
  optimizer.zeroGrad({ setToNone: false });
  expect(param.grad).toBe(kept);
  expect(kept.tolist()).toEqual([0, 0]);
  optimizer.zeroGrad();
  expect(param.grad).toBe(null);
});
