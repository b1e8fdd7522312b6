// Ranked tests on modules: members, buffers, state, containers, printing.
import { describe, expect, it } from "vitest";
import { full, ones, rand, tensor, zeros, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

class Empty extends nn.Module {
  forward(): void {}
}

/** A module that is filled by name. */
const empty = () => new Empty() as Empty & Record<string, unknown>;
const keys = (entries: readonly (readonly [string, unknown])[]) => entries.map(([key]) => key);
const relu = () => new nn.ReLU();

describe("members", () => {
  /** PyTorch's network of that test: a Linear under two names, within a block and beside it. */
  class Net extends nn.Module {
    l1: nn.Module;
    l2: nn.Module;
    param: nn.Parameter;
    block: nn.Module;
    constructor(shared: nn.Module, param: nn.Parameter, block: nn.Module) {
      super();
      this.l1 = shared;
      this.l2 = shared;
      this.param = param;
      this.block = block;
    }
    forward(): void {}
  }
  const shared = new nn.Linear(10, 20);
  const block = new nn.Sequential([["linear1", shared], ["linear2", shared]]);
  const net = new Net(shared, new nn.Parameter(ones([3, 5])), block);

  it("are each listed once, parents first (test_modules, test_named_modules)", () => {
    expect(net.modules()).toEqual([net, shared, block]);
    expect(keys(net.namedModules())).toEqual(["", "l1", "block"]);
    expect(keys(net.namedModules({ removeDuplicate: false })))
      .toEqual(["", "l1", "l2", "block", "block.linear1", "block.linear2"]);
  });

  it("are parameters, own ones first (test_named_parameters)", () => {
    expect(keys(net.namedParameters())).toEqual(["param", "l1.weight", "l1.bias"]);
    expect(net.parameters()).toHaveLength(3);
  });

  it("stay what they are when they are assigned (test_parameter_assignment)", () => {
    const layer = new nn.Linear(5, 5);
    const module = layer as unknown as Record<string, unknown>;
    module.extra = new nn.Parameter(rand([5, 5]));
    expect(keys(layer.namedParameters())).toContain("extra");
    module.extra = new nn.Parameter(rand([5]));
    expect(layer.parameters()).toHaveLength(3);
    module.extra = rand([5, 5]);
    expect(() => layer.parameters()).toThrow("cannot assign 'Tensor' as parameter 'extra'");
    module.extra = null;
    expect(layer.parameters()).toHaveLength(2);
  });

  it.each<[string, () => void, string]>([
    ["test_register_parameter_raises_error_if_attr_exists",
      () => {
        const module = empty();
        module.taken = 5;
        module.registerParameter("taken", new nn.Parameter(ones([1])));
      }, "attribute 'taken' already exists"],
    ["test_register_buffer_raises_error_if_name_is_not_string",
      () => empty().registerBuffer(5 as unknown as string, ones([1])),
      "buffer name should be a string. Got 5"],
  ])("are registered under names that are free: %s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe("a buffer that is not persistent", () => {
  const withBuffer = (persistent = false) => {
    const module = empty();
    module.registerBuffer("buf", rand([5]), { persistent });
    return module;
  };

  it("is a buffer, and not in the state (test_buffer_not_persistent)", () => {
    expect([withBuffer().buffers().length, withBuffer().stateDict().size]).toEqual([1, 0]);
  });

  it("is not missed when state is loaded (test_buffer_not_persistent_load)", () => {
    expect(withBuffer().loadStateDict({})).toEqual({ missingKeys: [], unexpectedKeys: [] });
  });

  it("may be cleared and assigned, and stays so (test_buffer_not_persistent_assign)", () => {
    const module = withBuffer();
    module.buf = null;
    expect([module.buffers().length, module.stateDict().size]).toEqual([0, 0]);
    module.buf = rand([5]);
    expect([module.buffers().length, module.stateDict().size]).toEqual([1, 0]);
  });

  it("may be registered again as another kind (test_buffer_not_persistent_overwrite)", () => {
    const module = withBuffer();
    module.registerBuffer("buf", rand([5]));
    expect([module.buffers().length, module.stateDict().size]).toEqual([1, 1]);
    module.registerBuffer("buf", rand([5]), { persistent: false });
    expect([module.buffers().length, module.stateDict().size]).toEqual([1, 0]);
  });
});

describe("state", () => {
  it("has four names for two tied layers, and shares memory (test_state_dict)", () => {
    const layer = new nn.Linear(2, 2);
    const tied = new nn.Sequential(layer, layer);
    const state = tied.stateDict();
    expect([...state.keys()]).toEqual(["0.weight", "0.bias", "1.weight", "1.bias"]);
    for (const value of state.values()) expect(value.requiresGrad).toBe(false);
    expect(state.get("0.weight")!.storage).toBe(layer.weight.storage);
  });

  it("is loaded by name, keys beyond it only on demand (test_load_state_dict)", () => {
    const layer = new nn.Linear(2, 2);
    const state = { weight: full([2, 2], 3), bias: ones([2]) };
    expect(layer.loadStateDict(state)).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(layer.weight.tolist()).toEqual([[3, 3], [3, 3]]);
    const more = { ...state, extra: ones([5]) };
    expect(() => layer.loadStateDict(more)).toThrow('Unexpected key(s) in state_dict: "extra". ');
    expect(layer.loadStateDict(more, { strict: false }).unexpectedKeys).toEqual(["extra"]);
    expect(() => layer.loadStateDict({ bias: ones([2]) }))
      .toThrow('Missing key(s) in state_dict: "weight". ');
  });

  it("must hold tensors of the right shape (test_load_state_dict_invalid)", () => {
    const layer = new nn.Linear(2, 3, { bias: false });
    expect(() => layer.loadStateDict({ weight: [[1, 2]] as unknown as Tensor }))
      .toThrow(/expected torch.Tensor or Tensor-like object from checkpoint but received \[\[1, 2/);
    expect(() => layer.loadStateDict({ weight: ones([2, 2]) })).toThrow(
      "size mismatch for weight: copying a param with shape torch.Size([2, 2]) from checkpoint, " +
      "the shape in current model is torch.Size([3, 2]).");
  });

  it.each([1, 2, "state", null])("is a Map or an object, not %j (test_load_state_dict_type)",
    (state) => {
      expect(() => new nn.Linear(2, 2).loadStateDict(state as never))
        .toThrow("Expected state_dict to be dict-like, got");
    });
});

describe("containers", () => {
  it("Sequential: positions from both ends (test_Sequential_getitem)", () => {
    const layers = [new nn.Linear(10, 20), new nn.Linear(20, 30), new nn.Linear(30, 40)];
    const model = new nn.Sequential(...layers);
    layers.forEach((layer, i) => {
      expect(model.at(i)).toBe(layer);
      expect(model.at(i - 3)).toBe(layer);
    });
    expect(() => model.at(3)).toThrow("index 3 is out of range");
    expect([...model.slice(1)]).toEqual(layers.slice(1));
    expect([...model.slice(-2, -1)]).toEqual([layers[1]]);
  });

  it("Sequential: another module in a place (test_Sequential_setitem)", () => {
    const model = new nn.Sequential(new nn.Linear(1, 2), new nn.Linear(2, 3));
    const layer = relu();
    model[1] = layer;
    expect([model.at(1), model.length, model.parameters().length]).toEqual([layer, 2, 2]);
  });

  it("Sequential: one more at the end (test_Sequential_append)", () => {
    const [first, second] = [relu(), new nn.Linear(1, 1)];
    expect([...new nn.Sequential(first).append(second).append(first)])
      .toEqual([first, second, first]);
  });

  it("ModuleList: an array that a parent can list (test_ModuleList)", () => {
    const modules: nn.Module[] = [relu(), new nn.Linear(5, 5)];
    const list = new nn.ModuleList(modules);
    const same = () => {
      expect([...list]).toEqual(modules);
      expect(list.children()).toEqual(modules);
      expect([...list.keys()]).toEqual(modules.map((_, i) => `${i}`));
    };
    same();
    for (const step of [
      () => { modules.push(new nn.Tanh()); list.append(modules.at(-1)!); },
      () => { modules.splice(1, 0, new nn.Sigmoid()); list.insert(1, modules[1]); },
      () => { const more = [relu(), relu()]; modules.push(...more); list.extend(more); },
      () => { modules[2] = relu(); list[2] = modules[2]; },
    ]) {
      step();
      same();
    }
    expect(() => list.forward()).toThrow("forward");
  });

  it("ModuleDict: names in the order they came (test_ModuleDict)", () => {
    const [act, fc, other] = [relu(), new nn.Linear(2, 2), new nn.Tanh()];
    const dict = new nn.ModuleDict<nn.Module>({ act, fc });
    expect([...dict.entries()]).toEqual([["act", act], ["fc", fc]]);
    dict.set("other", other).set("act", other);
    expect([...dict.keys()]).toEqual(["act", "fc", "other"]);
    expect([dict.get("act"), dict.has("none"), dict.length]).toEqual([other, false, 3]);
    expect([...dict.stateDict().keys()]).toEqual(["fc.weight", "fc.bias"]);
  });

  it("print as in PyTorch, option names in this spelling (test_repr)", () => {
    expect(`${new nn.Sequential(new nn.Linear(3, 4), relu())}`).toBe(
      "Sequential(\n  (0): Linear(inFeatures=3, outFeatures=4, bias=true)\n  (1): ReLU()\n)");
    expect(`${empty()}`).toBe("Empty()");
    expect(`${new nn.Parameter(ones([2]))}`)
      .toBe("Parameter containing:\ntensor([1., 1.], requiresGrad=true)");
  });
});

describe("Embedding", () => {
  it("keeps its padding row at zero, without gradient (test_embedding_padding_idx)", () => {
    const layer = new nn.Embedding(10, 20, { paddingIdx: 0 });
    const input = tensor([[0, 2, 4, 5], [4, 3, 0, 9]], { dtype: "int32" });
    const output = layer(input);
    const zero = zeros([20]).tolist();
    expect(output.index(0, 0).tolist()).toEqual(zero);
    expect(output.index(1, 2).tolist()).toEqual(zero);
    output.sum().backward();
    expect(layer.weight.grad!.sum(1).tolist()).toEqual([0, 0, 20, 20, 40, 20, 0, 0, 0, 20]);
    for (const paddingIdx of [25, -25]) {
      expect(() => new nn.Embedding(10, 20, { paddingIdx }))
        .toThrow("Padding_idx must be within num_embeddings");
    }
  });
});
