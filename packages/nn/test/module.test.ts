// Laws of modules: what belongs to one, in which order, and how calls behave.
import { afterEach, describe, expect, it, vi } from "vitest";
import { noGrad, ones, tensor, zeros, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

class Inner extends nn.Module {
  weight = new nn.Parameter(ones([2]));
  stats = new nn.Buffer(zeros([2]));
  forward(x: Tensor): Tensor { return x.mul(this.weight); }
}

class Outer extends nn.Module {
  first = new Inner();
  scale: nn.Parameter | null = new nn.Parameter(ones([1]));
  blocks = [new Inner(), [new nn.Identity(), new Inner()]];
  heads = new Map([["a", new Inner()]]);
  tied = this.first;
  scratch = new nn.Buffer(zeros([1]), { persistent: false });
  plain = zeros([3]);
  settings = { depth: 2, sizes: [1, 2], note: "no modules here" };
  forward(x: Tensor, times = 1): Tensor { return this.first(x).mul(this.scale!).mul(times); }
}

const names = (entries: readonly (readonly [string, unknown])[]) => entries.map(([name]) => name);

afterEach(() => { vi.restoreAllMocks(); });

describe("members", () => {
  it("are found in fields, arrays and Maps, own parameters before those of children", () => {
    expect(names(new Outer().namedParameters())).toEqual([
      "scale", "first.weight", "blocks.0.weight", "blocks.1.1.weight", "heads.a.weight",
    ]);
    expect(names(new Outer().namedBuffers())).toEqual([
      "scratch", "first.stats", "blocks.0.stats", "blocks.1.1.stats", "heads.a.stats",
    ]);
  });

  it("are listed once by identity, unless duplicates are asked for", () => {
    const outer = new Outer();
    expect(outer.modules()).toHaveLength(6);
    expect(names(outer.namedModules())).toEqual(
      ["", "first", "blocks.0", "blocks.1.0", "blocks.1.1", "heads.a"]);
    expect(names(outer.namedModules({ removeDuplicate: false }))).toContain("tied");
    expect(names(outer.namedParameters({ removeDuplicate: false }))).toContain("tied.weight");
    expect(names(outer.namedChildren())).not.toContain("tied");
  });

  it("take a prefix, and leave out what is below without recurse", () => {
    expect(names(new Outer().namedParameters({ prefix: "net", recurse: false })))
      .toEqual(["net.scale"]);
  });

  it("may refer to each other in circles", () => {
    class Node extends nn.Module {
      weight = new nn.Parameter(ones([1]));
      other: Node | null = null;
      list: unknown[] = [];
      forward(): void {}
    }
    const a = new Node();
    const b = new Node();
    a.other = b;
    b.other = a;
    a.list.push(a.list);
    expect(names(a.namedParameters())).toEqual(["weight", "other.weight"]);
    expect([...a.stateDict().keys()]).toEqual(["weight", "other.weight"]);
    expect(`${a}`).toContain("Node(…)");
    a.train(false);
    expect(b.training).toBe(false);
  });

  it("follow the fields as they change", () => {
    const outer = new Outer();
    outer.scale = null;
    outer.blocks.push(new Inner());
    Reflect.deleteProperty(outer, "heads");
    expect(names(outer.namedParameters())).toEqual(
      ["first.weight", "blocks.0.weight", "blocks.1.1.weight", "blocks.2.weight"]);
  });

  it.each([
    ["scale", ones([1]), "cannot assign 'Tensor' as parameter 'scale' (nn.Parameter or null"],
    ["scale", new nn.Identity(), "as parameter 'scale'"],
    ["first", ones([1]), "cannot assign 'Tensor' as child module 'first' (nn.Module or null"],
    ["scratch", 3, "cannot assign '3' as buffer 'scratch' (Tensor or null expected)"],
  ])("refuse %s = %s at the next look", (name, value, message) => {
    const outer = new Outer();
    outer.parameters();
    Reflect.set(outer, name, value);
    expect(() => outer.parameters()).toThrow(message);
  });

  it("of a layer are known from its construction", () => {
    for (const layer of [new nn.Linear(2, 3), new nn.Embedding(3, 2)]) {
      Reflect.set(layer, "weight", zeros([3, 2]));
      expect(() => layer.parameters()).toThrow("cannot assign 'Tensor' as parameter 'weight'");
    }
  });

  it("are known from the first call: a buffer that forward replaces stays one", () => {
    class Average extends nn.Module {
      mean: Tensor = new nn.Buffer(zeros([1]));
      forward(x: Tensor): Tensor { return this.mean = this.mean.mul(0.5).add(x.mul(0.5)); }
    }
    const average = new Average();
    average(ones([1]));
    expect(average.stateDict().get("mean")?.tolist()).toEqual([0.5]);
  });

  it("let a buffer be replaced by a tensor, and anything by a parameter", () => {
    const outer = new Outer();
    outer.parameters();
    Reflect.set(outer, "scratch", ones([4]));
    Reflect.set(outer, "first", new nn.Parameter(ones([3])));
    expect(outer.getBuffer("scratch").shape).toEqual([4]);
    expect(outer.getParameter("first").shape).toEqual([3]);
    expect(outer.stateDict().has("scratch")).toBe(false);
  });

  it("may be called name and length", () => {
    class Named extends nn.Module {
      override name = "net";
      override length = 3;
      forward(): void {}
    }
    const named = new Named();
    expect([named.name, named.length]).toEqual(["net", 3]);
    expect(Object.keys(new nn.Identity())).toEqual(["training"]);
  });

  it("are found when fields are assigned rather than defined", () => {
    class Assigned extends nn.Module {
      declare fc: nn.Linear;
      constructor() {
        super();
        this.fc = new nn.Linear(2, 1);
      }
      forward(x: Tensor): Tensor { return this.fc(x); }
    }
    expect(names(new Assigned().namedParameters())).toEqual(["fc.weight", "fc.bias"]);
  });
});

describe("registration by name", () => {
  it("adds to the module like a field", () => {
    const module = new nn.Identity() as nn.Identity & Record<string, unknown>;
    module.registerParameter("w", new nn.Parameter(ones([1])));
    module.registerParameter("none", null);
    module.registerBuffer("running", zeros([2]));
    module.registerBuffer("scratch", zeros([2]), { persistent: false });
    module.registerModule("child", new Inner());
    expect([...module.stateDict().keys()]).toEqual(["w", "running", "child.weight", "child.stats"]);
    expect(module.none).toBe(null);
    module.none = new nn.Parameter(ones([1]));
    expect(names(module.namedParameters())).toContain("none");
  });

  it.each([
    [() => new nn.Identity().registerParameter("a.b", null), 'parameter name can\'t contain "."'],
    [() => new nn.Identity().registerBuffer("", null), 'buffer name can\'t be empty string ""'],
    [() => new nn.Identity().registerModule("forward", null), "attribute 'forward' already exists"],
    [() => new nn.Identity().registerBuffer("x", 3 as never), "cannot assign '3' object to buffer"],
    [() => new nn.Identity().registerParameter("x", ones([1]) as never),
      "cannot assign 'Tensor' object to parameter 'x'"],
    [() => new nn.Identity().registerModule("x", {} as never), "is not a Module subclass"],
  ])("refuses %s", (call, message) => expect(call).toThrow(message));
});

describe("a call", () => {
  it("is forward, with its arguments and its result", () => {
    const outer = new Outer();
    expect(outer(tensor([1, 2]), 3).tolist()).toEqual([3, 6]);
    expect(outer.forward(tensor([1, 2])).tolist()).toEqual([1, 2]);
    expect(outer instanceof nn.Module && outer instanceof Outer).toBe(true);
    expect(typeof outer).toBe("function");
  });

  it("without forward is refused", () => {
    expect(() => new nn.ModuleList()()).toThrow(
      'Module [ModuleList] is missing the required "forward" function');
    class Bare extends (nn.Module as unknown as new () => () => unknown) {}
    expect(() => new Bare()()).toThrow('Module [Bare] is missing the required "forward" function');
  });

  it("of a module with parameters that its parent hides warns once and names both", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    class Hiding extends nn.Module {
      readonly #hidden = new Inner();
      forward(x: Tensor): Tensor { return this.#hidden(x); }
    }
    const hiding = new Hiding();
    hiding(ones([2]));
    hiding(ones([2]));
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(/Inner is called inside Hiding/);
  });

  it("of a module that a module further out lists, or without parameters, does not warn", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    class Runner extends nn.Module {
      readonly #act = new nn.ReLU();
      forward(x: Tensor, inner: Inner): Tensor { return this.#act(inner(x)); }
    }
    class Root extends nn.Module {
      inner = new Inner();
      runner = new Runner();
      forward(x: Tensor): Tensor { return this.runner(x, this.inner); }
    }
    new Root()(ones([2]));
    expect(warn).not.toHaveBeenCalled();
  });

  it("that throws leaves the next calls as they were", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    class Failing extends nn.Module {
      forward(): never { throw new Error("no"); }
    }
    expect(() => new Failing()()).toThrow("no");
    new Inner()(ones([2]));
    expect(warn).not.toHaveBeenCalled();
  });
});

describe("state of all modules below", () => {
  it("train and eval reach every module", () => {
    const outer = new Outer();
    expect(outer.eval()).toBe(outer);
    expect(outer.modules().map((module) => module.training)).not.toContain(true);
    expect(outer.train().modules().map((module) => module.training)).not.toContain(false);
    expect(() => outer.train(1 as never)).toThrow("training mode is expected to be boolean");
  });

  it("apply visits children first", () => {
    const visited: string[] = [];
    new nn.Sequential(new nn.ReLU(), new nn.Sequential(new nn.Tanh()))
      .apply((module) => { visited.push(module.constructor.name); });
    expect(visited).toEqual(["ReLU", "Tanh", "Sequential", "Sequential"]);
  });

  it("zeroGrad forgets gradients, or fills them with zeros", () => {
    const layer = new nn.Linear(2, 1);
    layer(ones([3, 2])).sum().backward();
    expect(layer.bias!.grad!.tolist()).toEqual([3]);
    layer.bias!.grad = tensor([NaN]);
    layer.zeroGrad({ setToNone: false });
    expect(layer.bias!.grad!.tolist()).toEqual([0]);
    layer.zeroGrad();
    expect(layer.bias!.grad).toBe(null);
    expect(() => layer.zeroGrad({ setToNull: true } as never)).toThrow("unknown option setToNull");
  });

  it("requiresGrad_ switches all parameters", () => {
    const outer = new Outer().requiresGrad_(false);
    expect(outer.parameters().some(({ requiresGrad }) => requiresGrad)).toBe(false);
    expect(outer.requiresGrad_().parameters().every(({ requiresGrad }) => requiresGrad)).toBe(true);
  });

  it("double and float convert in place, gradients included, whole numbers not", () => {
    const layer = new nn.Linear(2, 1);
    layer.registerBuffer("steps", tensor([3], { dtype: "int32" }));
    const { weight } = layer;
    layer(ones([1, 2])).sum().backward();
    expect(layer.to("cpu")).toBe(layer);
    expect(layer.cpu()).toBe(layer);
    layer.double();
    expect(layer.weight).toBe(weight);
    expect([weight.dtype, weight.grad!.dtype, layer.getBuffer("steps").dtype])
      .toEqual(["float64", "float64", "int32"]);
    layer(ones([1, 2], { dtype: "float64" })).sum().backward();
    expect(weight.grad!.tolist()).toEqual([[2, 2]]);
    expect(layer.float().weight.dtype).toBe("float32");
    expect(() => layer.to("int32")).toThrow("only accepts floating point");
    expect(() => layer.to("cuda" as never)).toThrow("cuda");
  });
});

describe("paths", () => {
  const model = new nn.Sequential(new nn.ReLU(), new nn.Sequential(new Outer()));

  it("lead to modules, parameters and buffers", () => {
    expect(model.getSubmodule("")).toBe(model);
    expect(model.getSubmodule("1.0.blocks.0")).toBeInstanceOf(Inner);
    expect(model.getParameter("1.0.first.weight")).toBeInstanceOf(nn.Parameter);
    expect(model.getBuffer("1.0.scratch")).toBeInstanceOf(nn.Buffer);
  });

  it.each([
    [() => model.getSubmodule("9"), "Sequential has no attribute `9`"],
    [() => model.getSubmodule("1.9.x"), "Sequential has no attribute `9`"],
    [() => model.getSubmodule("1.0.blocks.7"), "Outer has no attribute `blocks.7`"],
    [() => model.getSubmodule("1.0.scale"), "`1.0.scale` is not an nn.Module"],
    [() => model.getParameter("1.0.none"), "Outer has no attribute `none`"],
    [() => model.getParameter("1.0.scratch"), "`1.0.scratch` is not an nn.Parameter"],
  ])("that lead nowhere are refused: %s", (call, message) => expect(call).toThrow(message));
});

describe("Parameter and Buffer", () => {
  it("share the memory of their tensor, without its history", () => {
    const source = ones([2], { requiresGrad: true }).mul(2);
    const parameter = new nn.Parameter(source);
    expect([parameter.isLeaf, parameter.requiresGrad]).toEqual([true, true]);
    noGrad(() => parameter.fill_(5));
    expect(source.tolist()).toEqual([5, 5]);
    expect(new nn.Buffer(source).requiresGrad).toBe(false);
  });

  it("require a gradient under noGrad too, and not where that is declined", () => {
    expect(noGrad(() => new nn.Parameter(ones([1]))).requiresGrad).toBe(true);
    expect(new nn.Parameter(ones([1]), { requiresGrad: false }).requiresGrad).toBe(false);
  });

  it("refuse what is no tensor of floats", () => {
    expect(() => new nn.Parameter(tensor([1], { dtype: "int32" })))
      .toThrow("Only Tensors of floating point and complex dtype can require gradients");
    expect(() => new nn.Parameter([1] as never)).toThrow("data must be a tensor");
  });
});
