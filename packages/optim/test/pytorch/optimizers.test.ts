// Ranked tests on every optimizer: when a step does nothing, direction, groups, saving and loading.
import { describe, expect, it } from "vitest";
import { Generator, ones, tensor, randn, zeros, type Tensor } from "@chainrule/core";
import { Adam, AdamW, SGD } from "@chainrule/optim";

interface Options { readonly lr?: number; readonly weightDecay?: number; maximize?: boolean }

const kinds = [
  ["SGD", (params: Iterable<Tensor>, options: Options = {}) => new SGD(params, options)],
  ["SGD with momentum",
    (params: Iterable<Tensor>, options: Options = {}) =>
      new SGD(params, { momentum: 0.9, ...options })],
  ["Adam", (params: Iterable<Tensor>, options: Options = {}) => new Adam(params, options)],
  ["Adam with amsgrad",
    (params: Iterable<Tensor>, options: Options = {}) =>
      new Adam(params, { amsgrad: true, ...options })],
  ["AdamW",
    (params: Iterable<Tensor>, options: Options = {}) =>
      new AdamW(params, { weightDecay: 0, ...options })],
] as const;

const drawn = (shape: number[], seed: number) => randn(shape, { generator: new Generator(seed) });

describe.each(kinds)("%s", (_, make) => {
  it("does nothing without gradients (test_step_is_noop_when_params_have_no_grad)", () => {
    const params = [drawn([2, 3], 1), drawn([2, 3], 2)];
    const before = params.map((param) => param.tolist());
    expect(make(params, { lr: 0.1 }).step(() => tensor([1])).tolist()).toEqual([1]);
    expect(params.map((param) => param.tolist())).toEqual(before);
  });

  it("does nothing for gradients of zero (test_step_is_noop_for_zero_grads)", () => {
    const param = drawn([2, 3], 1).requiresGrad_();
    const before = param.tolist();
    param.grad = zeros([2, 3]);
    make([param], { lr: 1e-5 }).step();
    expect(param.tolist()).toEqual(before);
  });

  it.each([false, true])("goes the right way, maximize %s (test_forloop_goes_right_direction)",
    (maximize) => {
      const [weight, bias] = [drawn([3, 5], 1).requiresGrad_(), drawn([3], 2).requiresGrad_()];
      const input = drawn([5], 3);
      const optimizer = make([weight, bias], { lr: 1e-3, maximize });
      const loss = () => weight.matmul(input).add(bias).pow(2).sum();
      const first = loss().item();
      for (let i = 0; i < 20; i++) {
        optimizer.zeroGrad();
        loss().backward();
        optimizer.step();
      }
      if (maximize) expect(loss().item()).toBeGreaterThan(first);
      else expect(loss().item()).toBeLessThan(first);
    });

  it("stays equal to another one that has its state (test_state_dict_deterministic)", () => {
    const [param, input] = [drawn([3, 2], 1).requiresGrad_(), drawn([4, 3], 2)];
    const step = (optimizer: ReturnType<typeof make>, p: Tensor) => {
      optimizer.zeroGrad();
      input.matmul(p).pow(2).sum().backward();
      optimizer.step();
    };
    const optimizer = make([param], { lr: 0.01 });
    for (let i = 0; i < 5; i++) step(optimizer, param);
    const copy = param.detach().clone().requiresGrad_();
    const other = make([copy]);
    other.loadStateDict(optimizer.stateDict());
    for (let i = 0; i < 10; i++) {
      step(optimizer, param);
      step(other, copy);
      expect(copy.tolist()).toEqual(param.tolist());
    }
  });

  it("gives the state that it was given (test_save_load_equality)", () => {
    const param = ones([2], { requiresGrad: true });
    const optimizer = make([param], { lr: 0.5 });
    param.grad = tensor([1, 2]);
    optimizer.step();
    const plain = (dict: ReturnType<typeof optimizer.stateDict>) => JSON.stringify(dict,
      (_key, value) => typeof value?.tolist === "function" ? value.tolist() : value);
    const other = make([ones([2], { requiresGrad: true })]);
    other.loadStateDict(optimizer.stateDict());
    expect(plain(other.stateDict())).toBe(plain(optimizer.stateDict()));
  });
});

describe("groups", () => {
  it.each([
    ["SGD", (groups: { params: Tensor[]; weightDecay?: number }[]) => new SGD(groups)],
    ["Adam", (groups: { params: Tensor[]; weightDecay?: number }[]) => new Adam(groups)],
    ["AdamW",
      (groups: { params: Tensor[]; weightDecay?: number }[]) =>
        new AdamW(groups, { weightDecay: 0 })],
  ] as const)("decay the weights that they say: %s (test_param_groups_weight_decay)", (_, make) => {
    const [weight, bias] = [1, 2].map(() => ones([2], { requiresGrad: true }));
    const optimizer = make([{ params: [weight], weightDecay: 0.5 }, { params: [bias] }]);
    expect(optimizer.paramGroups.map(({ weightDecay }) => weightDecay)).toEqual([0.5, 0]);
    for (const param of [weight, bias]) param.grad = zeros([2]);
    optimizer.step();
    expect(weight.tolist<number[]>().every((value) => value < 1)).toBe(true);
    expect(bias.tolist()).toEqual([1, 1]);
  });
});
