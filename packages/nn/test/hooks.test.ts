// Hooks on modules: what they see, in which order, what they may replace, and how they are removed.
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  grad, noGrad, ones, tensor, zeros, type NodeGradients, type Tensor,
} from "@chainrule/core";
import * as nn from "@chainrule/nn";

class Scale extends nn.Module {
  factor = new nn.Parameter(tensor(2));
  forward(x: Tensor, options: { times?: number } = {}): Tensor {
    return x.mul(this.factor).mul(options.times ?? 1);
  }
}

/** Two tensors in, two out. */
class Swap extends nn.Module {
  forward(x: Tensor, note: string, y: Tensor): [Tensor, string, Tensor] {
    return [y.mul(3), note, x.mul(2)];
  }
}

const input = () => tensor([1, 2], { requiresGrad: true });
const items = (gradients: NodeGradients) => gradients.map((gradient) => gradient?.tolist() ?? null);

afterEach(() => { vi.restoreAllMocks(); });

describe("forward hooks", () => {
  it("see arguments and output until removed (test_hooks)", () => {
    const module = new Scale();
    const seen: unknown[] = [];
    const before = module.registerForwardPreHook((self, args) => {
      seen.push(self === module, args.length);
    });
    const after = module.registerForwardHook((self, [x, options], output) => {
      seen.push(self === module, x.tolist(), options, output.tolist());
    });
    module(ones([2]), { times: 5 });
    expect(seen).toEqual([true, 2, true, [1, 1], { times: 5 }, [10, 10]]);
    for (const handle of [before, after, before]) handle.remove();
    module(ones([2]));
    expect(seen).toHaveLength(6);
  });

  it("replace arguments and output, each seeing what the one before left " +
    "(test_hook_forward_preforward_writable)", () => {
    const module = new Scale();
    module.registerForwardPreHook((_, [x]) => x.add(1));
    module.registerForwardPreHook((_, [x]) => [x.mul(10), { times: 3 }]);
    module.registerForwardHook((_, [x], output) => output.sub(x));
    module.registerForwardHook((_module, _args, output) => output.neg());
    // −((x + 1)·10·2·3 − (x + 1)·10)
    expect(module(tensor([1, 2])).tolist()).toEqual([-100, -150]);
  });

  it("run in order of registration, or first with prepend (test_forward_hooks)", () => {
    const module = new nn.Identity();
    const order: string[] = [];
    const note = (name: string) => () => { order.push(name); };
    module.registerForwardPreHook(note("pre 1"));
    module.registerForwardPreHook(note("pre 2"));
    module.registerForwardPreHook(note("pre 0"), { prepend: true });
    module.registerForwardHook(note("1"));
    module.registerForwardHook(note("2"));
    module.registerForwardHook(note("0"), { prepend: true });
    module(ones([1]));
    expect(order).toEqual(["pre 0", "pre 1", "pre 2", "0", "1", "2"]);
  });

  it("are called though something throws, if they ask for it (test_always_called_forward_hooks)",
    () => {
      class Failing extends nn.Module {
        forward(_: Tensor): Tensor { throw new RangeError("mine"); }
      }
      const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
      const module = new Failing();
      const [never, always, last] = [vi.fn(), vi.fn(), vi.fn()];
      module.registerForwardHook(never);
      module.registerForwardHook(always, { alwaysCall: true });
      module.registerForwardHook(() => { throw new Error("late"); }, { alwaysCall: true });
      module.registerForwardHook(last, { alwaysCall: true });
      expect(() => module(ones([1]))).toThrow(RangeError);
      expect([never, always, last].map((hook) => hook.mock.calls.length)).toEqual([0, 1, 1]);
      expect(always.mock.calls[0][2]).toBeNull();
      expect(warn.mock.calls[0][0]).toMatch(/silenced as another error was raised .* Error: late/);
      const fine = new nn.Identity();
      fine.registerForwardHook(() => { throw new RangeError("hook"); }, { alwaysCall: true });
      const after = vi.fn();
      fine.registerForwardHook(after, { alwaysCall: true });
      expect(() => fine(ones([1]))).toThrow("hook");
      expect(after).toHaveBeenCalledTimes(1);
    });

  it("do not make a module anything else: members, printing and calls of children", () => {
    const model = new nn.Sequential(new nn.Linear(2, 2), new nn.ReLU());
    const before = String(model);
    const seen: string[] = [];
    for (const [name, module] of model.namedModules()) {
      module.registerForwardHook(() => { seen.push(name); });
    }
    model(ones([1, 2]));
    expect(seen).toEqual(["0", "1", ""]);
    expect(String(model)).toBe(before);
    expect([...model.stateDict().keys()]).toEqual(["0.weight", "0.bias"]);
  });

  it("are synchronous functions", () => {
    const module = new nn.Identity();
    expect(() => module.registerForwardHook(3 as never)).toThrow("a hook is a function, got 3");
    expect(() => module.registerForwardPreHook(() => {}, { first: true } as never))
      .toThrow("registerForwardPreHook");
    const handle = module.registerForwardHook(async function later() {} as never);
    expect(() => module(ones([1]))).toThrow("hook 'later' returned a promise");
    handle.remove();
    module.registerForwardPreHook((async () => { throw new Error("late"); }) as never);
    expect(() => module(ones([1]))).toThrow("hook 'anonymous' returned a promise");
  });
});

describe("full backward hooks", () => {
  it("see the gradients of arguments and outputs, null for the rest (test_hook_extra_input, " +
    "test_hook_non_full_warning)", () => {
    const module = new Swap();
    const seen: unknown[] = [];
    module.registerFullBackwardPreHook((self, gradOutput) => {
      seen.push(self === module, items(gradOutput));
    });
    module.registerFullBackwardHook((self, gradInput, gradOutput) => {
      seen.push(self === module, items(gradInput), items(gradOutput));
    });
    const x = input();
    const [first, note, second] = module(x, "note", ones([2]));
    expect([first.requiresGrad, note]).toEqual([false, "note"]);
    second.sum().backward();
    expect(seen).toEqual(
      [true, [null, null, [1, 1]], true, [[2, 2], null, null], [null, null, [1, 1]]]);
  });

  it("replace gradients on their way in and out (test_hook_backward_writeable, " +
    "test_full_backward_pre_hooks)", () => {
    const module = new Scale();
    const handles = [
      module.registerFullBackwardPreHook((_, [gradient]) => gradient!.mul(10)),
      module.registerFullBackwardHook((_, [gradient], [output]) => {
        expect(output!.tolist()).toEqual([10, 10]);
        return [gradient!.add(1), null];
      }),
    ];
    const x = input();
    module(x, {}).sum().backward();
    expect(x.grad!.tolist()).toEqual([21, 21]);
    expect(module.factor.grad!.item()).toBe(30);
    for (const handle of handles) handle.remove();
    x.grad = null;
    module(x).sum().backward();
    expect(x.grad!.tolist()).toEqual([2, 2]);
  });

  it("run in order of registration, or first with prepend", () => {
    const module = new Scale();
    const order: string[] = [];
    const note = (name: string) => () => { order.push(name); };
    module.registerFullBackwardHook(note("1"));
    module.registerFullBackwardHook(note("0"), { prepend: true });
    module.registerFullBackwardPreHook(note("pre 1"));
    module.registerFullBackwardPreHook(note("pre 0"), { prepend: true });
    module(input()).sum().backward();
    expect(order).toEqual(["pre 0", "pre 1", "0", "1"]);
  });

  it("run once per call and pass, in each pass", () => {
    const module = new Scale();
    let count = 0;
    module.registerFullBackwardHook(() => { count++; });
    const x = input();
    const loss = module(module(x)).sum();
    loss.backward(null, { retainGraph: true });
    expect(count).toBe(2);
    loss.backward();
    expect(count).toBe(4);
  });

  it("run without gradients of inputs where none is required (test_hook_no_requires_grad)", () => {
    const module = new nn.Linear(2, 1);
    const seen: unknown[] = [];
    const handle = module.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push(items(gradInput), items(gradOutput));
    });
    module(ones([1, 2])).sum().backward();
    expect(seen).toEqual([[null], [[[1]]]]);
    handle.remove();
    module.registerFullBackwardHook(() => [ones([1, 2])]);
    expect(() => module(ones([1, 2])).sum().backward())
      .toThrow("Backward hook for Modules where no input requires gradient should always return");
  });

  it("run in grad, and can be differentiated through (test_hook_double_backward)", () => {
    const module = new Scale();
    module.registerFullBackwardHook((_, [gradient]) => [gradient!.mul(gradient!)]);
    const x = tensor(3, { requiresGrad: true });
    const [first] = grad(module(x), x, { createGraph: true }); // factor²
    expect(first.item()).toBe(4);
    expect(grad(first, module.factor)[0].item()).toBe(4);
  });

  it("do not run without a graph, and change no value", () => {
    const module = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh());
    const plain = module(ones([1, 2])).tolist();
    const hook = vi.fn();
    for (const part of module.modules()) part.registerFullBackwardHook(hook);
    const output = module(ones([1, 2]));
    expect(output.tolist()).toEqual(plain);
    noGrad(() => module(ones([1, 2])));
    expect(hook).not.toHaveBeenCalled();
    output.sum().backward();
    expect(hook).toHaveBeenCalledTimes(3);
  });

  it("keep the names of a pair of outputs", () => {
    class Max extends nn.Module {
      forward(x: Tensor) { return x.max(0); }
    }
    const module = new Max();
    module.registerFullBackwardHook((_, [gradient]) => gradient!.mul(5));
    const x = input();
    const { values, indices } = module(x);
    expect([values.item(), indices.item()]).toEqual([2, 1]);
    values.backward();
    expect(x.grad!.tolist()).toEqual([0, 5]);
  });

  it("refuse a number of gradients that does not fit (test_hook_invalid_outputs)", () => {
    const module = new Scale();
    const handle = module.registerFullBackwardHook(() => [ones([2]), null]);
    expect(() => module(input()).sum().backward())
      .toThrow("Backward hook returned an invalid number of gradInput, got 2, but expected 1");
    handle.remove();
    module.registerFullBackwardPreHook(() => []);
    expect(() => module(input()).sum().backward())
      .toThrow("Backward pre hook returned an invalid number of gradOutput, got 0, but expected 1");
  });

  it("refuse that what went through them is changed in place (test_hook_inplace)", () => {
    const module = new Scale();
    module.registerFullBackwardHook(() => {});
    expect(() => module(input()).add_(1)).toThrow("is a view and is being modified inplace");
  });

  it("say so when they cannot see the output", () => {
    class Named extends nn.Module {
      forward(x: Tensor) { return { x: x.mul(2) }; }
    }
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const module = new Named();
    module.registerFullBackwardHook(() => {});
    for (let i = 0; i < 2; i++) module(input()).x.sum().backward();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch("Named: full backward hooks see tensors and arrays");
  });
});

describe("hooks of all modules", () => {
  it("run before those of each (test_module_global_hooks, test_module_forward_forward_hook_order)",
    () => {
      const module = new Scale();
      const order: string[] = [];
      const note = (name: string) => () => { order.push(name); };
      module.registerForwardPreHook(note("own pre"));
      module.registerForwardHook(note("own"));
      module.registerFullBackwardPreHook(note("own backward pre"));
      module.registerFullBackwardHook(note("own backward"));
      const handles = [
        nn.registerModuleForwardPreHook(note("pre")), nn.registerModuleForwardHook(note("all")),
        nn.registerModuleFullBackwardPreHook(note("backward pre")),
        nn.registerModuleFullBackwardHook(note("backward")),
      ];
      module(input()).sum().backward();
      expect(order).toEqual(["pre", "own pre", "all", "own", "backward pre", "own backward pre",
        "backward", "own backward"]);
      for (const handle of handles) handle.remove();
      order.length = 0;
      module(input()).sum().backward();
      expect(order).toEqual(["own pre", "own", "own backward pre", "own backward"]);
    });

  it("see every module", () => {
    const seen: string[] = [];
    using _handle = nn.registerModuleForwardHook((module) => {
      seen.push(module.constructor.name);
    });
    new nn.Sequential(new nn.Linear(1, 1), new nn.ReLU())(zeros([1, 1]));
    expect(seen).toEqual(["Linear", "ReLU", "Sequential"]);
  });
});
