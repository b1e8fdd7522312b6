// Containers: order, names, positions, and what they refuse.
import { describe, expect, it } from "vitest";
import { ones, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

class Add extends nn.Module {
  readonly step: number;
  constructor(step: number) {
    super();
    this.step = step;
  }
  forward(x: Tensor): Tensor { return x.add(this.step); }
}

class Double extends nn.Module {
  forward(x: Tensor): Tensor { return x.mul(2); }
}

describe("Sequential", () => {
  it("runs its modules in order", () => {
    expect(new nn.Sequential(new Add(1), new Double())(ones([1])).item()).toBe(4);
    expect(new nn.Sequential(new Double(), new Add(1))(ones([1])).item()).toBe(3);
    expect(new nn.Sequential()(ones([1])).item()).toBe(1);
  });

  it("keeps the order of names, numbers among them", () => {
    const named = new nn.Sequential(new Map<string, nn.Module>([
      ["b", new Add(1)], ["10", new Double()], ["2", new Add(5)],
    ]));
    expect([...named.keys()]).toEqual(["b", "10", "2"]);
    expect(named.namedChildren().map(([name]) => name)).toEqual(["b", "10", "2"]);
    expect(named(ones([1])).item()).toBe(9);
    expect(new nn.Sequential([["x", new Add(2)]])(ones([1])).item()).toBe(3);
  });

  it("gives modules by position, as properties and by iteration", () => {
    const [a, b] = [new Add(1), new Double()];
    const model = new nn.Sequential(a, b);
    expect(model[0]).toBe(a);
    expect(model.at(-1)).toBe(b);
    expect([...model]).toEqual([a, b]);
    expect(model.length).toBe(2);
    expect(model.slice(1).at(0)).toBe(b);
    expect([...model.slice(1).keys()]).toEqual(["1"]);
    expect(() => model.at(9)).toThrow("index 9 is out of range");
    expect(() => model.at(0.5)).toThrow("out of range");
  });

  it("grows at the end, and takes another module in place of one", () => {
    const model = new nn.Sequential(new Add(1));
    expect(model.append(new Add(2))).toBe(model);
    const replacement = new nn.Linear(1, 1);
    model[0] = replacement;
    expect(model.at(0)).toBe(replacement);
    expect(model.parameters()).toHaveLength(2);
    expect([...model.stateDict().keys()]).toEqual(["0.weight", "0.bias"]);
  });

  it.each<[() => unknown, string]>([
    [() => new nn.Sequential(3 as never), "3 is not a Module subclass"],
    [() => new nn.Sequential([new Add(1)] as never), "is not a Module subclass"],
    [() => new nn.Sequential([["a.b", new Add(1)]]), 'module name can\'t contain "."'],
    [() => new nn.Sequential([["", new Add(1)]]), 'module name can\'t be empty string ""'],
    [() => new nn.Sequential([["forward", new Add(1)]]), "attribute 'forward' already exists"],
    [() => new nn.ModuleList(new Add(1) as never), "ModuleList: takes an iterable of modules"],
  ])("refuses %s", (call, message) => expect(call).toThrow(message));
});

describe("ModuleList", () => {
  it("lists, grows and inserts", () => {
    const list = new nn.ModuleList([new Add(1), new Add(2)]);
    list.append(new Add(3)).extend([new Add(4)]);
    list.insert(1, new Add(9));
    expect([...list].map(({ step }) => step)).toEqual([1, 9, 2, 3, 4]);
    expect([...list.keys()]).toEqual(["0", "1", "2", "3", "4"]);
    expect([list[1].step, list.at(-1).step, list.length]).toEqual([9, 4, 5]);
  });
});

describe("a position with no module", () => {
  it.each([
    ["Sequential", new nn.Sequential(new Add(1))],
    ["ModuleList", new nn.ModuleList([new Add(1)])],
  ] as const)("cannot be assigned in a %s: forward would not run it", (name, container) => {
    (container as Record<number, nn.Module>)[5] = new Add(2);
    expect(() => container.modules())
      .toThrow(`${name}: index 5 is out of range: there are 1 modules; append adds one`);
  });
});

describe("ModuleDict", () => {
  it("gives modules by name", () => {
    const dict = new nn.ModuleDict({ a: new Add(1) }).set("b", new Add(2));
    expect([dict.get("b").step, dict.has("c"), dict.length]).toEqual([2, false, 2]);
    expect([...dict].map(([name]) => name)).toEqual(["a", "b"]);
    expect(() => dict.get("c")).toThrow('no module is called "c"');
  });
});
