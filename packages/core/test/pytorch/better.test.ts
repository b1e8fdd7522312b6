// What PyTorch's users complain about, as far as it is the graph's: what is done instead.
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  backward, detectAnomaly, inspect, noGrad, ones, tensor, where, zeros, type ChainruleError,
  type Tensor,
} from "../../src/index.ts";
import { leaf } from "../autograd/drawn.ts";

/** A line of this file, as messages give it. */
const inHere = String.raw`.*better\.test\.ts:\d+:\d+`;

function caught(body: () => unknown): ChainruleError {
  try {
    body();
  } catch (error) {
    return error as ChainruleError;
  }
  throw new Error("nothing was thrown");
}

afterEach(() => { vi.restoreAllMocks(); });

describe("an in-place change of what was saved (pytorch#15803, pytorch#96265)", () => {
  const run = () => {
    const x = leaf([3], 1);
    const y = x.mul(2);
    const z = y.mul(x);
    y.add_(1);
    z.sum().backward();
  };

  it("is reported with the op that saved and the op that changed", () => {
    const error = caught(run);
    expect(error.message).toMatch("the tensor of shape [3], which is output 0 of MulBackward0, " +
      "that mul saved as input is at version 1; expected version 0 instead.");
    expect(error.message).toMatch(/It was last changed by add_\. Hint: detectAnomaly/);
    expect(error.details).toMatchObject({
      savedBy: "mul", savedAt: null, changedBy: "add_", changedAt: null,
    });
  });

  it("is reported with both lines under detectAnomaly", () => {
    const error = caught(() => detectAnomaly(run));
    expect(error.message).toMatch(new RegExp(`that mul at ${inHere} saved as input`));
    expect(error.message).toMatch(new RegExp(`It was last changed by add_ at ${inHere}`));
    expect(error.details.savedAt).not.toBe(error.details.changedAt);
  });
});

describe("a second pass through a graph (karpathy/nn-zero-to-hero#31)", () => {
  /** Something computed before the loop that every turn goes back through. */
  const train = () => {
    const x = leaf([3], 1);
    const scale = x.exp();
    for (let turn = 0; turn < 2; turn++) scale.mul(turn).sum().backward();
  };

  it("is reported with the op that is shared, its shape, and what to do", () => {
    const error = caught(train);
    expect(error.message).toMatch(/^backward: Trying to backward through the graph a second time/);
    expect(error.message).toMatch("here those of exp, are freed when you call .backward()");
    expect(error.message).toMatch("Specify retainGraph: true if you need to backward");
    expect(error.message).toMatch("this exp of shape [3] was not; compute it inside, or detach() " +
      "it. Hint: detectAnomaly(() => …)");
    expect(error.details).toEqual({ node: "ExpBackward0", shape: [3], line: null });
  });

  it("is reported with the line of that op under detectAnomaly", () => {
    const error = caught(() => detectAnomaly(train));
    expect(error.message).toMatch(new RegExp(`here those of exp at ${inHere}, are freed`));
    expect(error.message).not.toMatch("Hint");
    expect(error.details.line).toMatch(new RegExp(`^${inHere}$`));
  });
});

describe("NaN from a branch that where has not chosen (pytorch#18287)", () => {
  const zero = zeros([2], { dtype: "float64" });
  const start = () => tensor([0, 4], { dtype: "float64", requiresGrad: true });

  it("arrives as in PyTorch, unless the input is chosen too", () => {
    const x = start();
    where(x.gt(0), x.sqrt(), zero).sum().backward();
    expect(x.grad!.tolist()).toEqual([NaN, 0.25]);
    x.grad = null;
    where(x.gt(0), where(x.gt(0), x, 1).sqrt(), zero).sum().backward();
    expect(x.grad!.tolist()).toEqual([0, 0.25]);
  });

  it("is found by detectAnomaly: op, element and line", () => {
    const x = start();
    const error = caught(() =>
      detectAnomaly(() => where(x.gt(0), x.sqrt(), zero).sum().backward()));
    expect(error.message).toMatch(new RegExp("'SqrtBackward0' returned nan values in its " +
      String.raw`0th output: 1 of the 2 elements of \[2\], first at \[0\].*sqrt at ${inHere}`));
  });
});

describe("detectAnomaly (pytorch#160016, pytorch#83537, pytorch#43405)", () => {
  it("finds NaN in forward, tells who made it from who passes it on, and finds infinities", () => {
    const x = leaf([2], 1).detach().abs().neg();
    expect(() => detectAnomaly(() => x.sqrt().mul(2)))
      .toThrow(/^sqrt: Function 'sqrt' returned nan values.*where input = -/);
    const data = tensor([1, NaN]);
    expect(() => detectAnomaly(() => data.mul(2)))
      .toThrow("Its input held nan before: it came with the data");
    expect(() => detectAnomaly(() => zeros([1]).log())).toThrow("'log' returned inf values");
    const root = () => tensor(0, { requiresGrad: true }).sqrt().backward();
    expect(() => detectAnomaly(root)).toThrow("'SqrtBackward0' returned inf values");
    expect(() => detectAnomaly(root, { checkInf: false })).not.toThrow();
  });
});

describe("losses that are added up (pytorch#17568, pytorch#1840)", () => {
  it("keep no values once backward has run, and are seen to grow by inspect", () => {
    const x = leaf([8], 1);
    let total = zeros([], { dtype: "float64" });
    for (let step = 0; step < 10; step++) {
      const loss = x.mul(x).sum();
      loss.backward();
      total = total.add(loss);
    }
    const ops = inspect(total, { fold: false }).nodes.filter(({ kind }) => kind === "op");
    expect(ops).toHaveLength(30);
    expect(ops.reduce((bytes, { savedBytes }) => bytes + savedBytes, 0)).toBe(0);
  });

  it("have no graph when they are detached or read", () => {
    const loss = leaf([8], 1).sum();
    expect(zeros([]).add(loss.detach()).gradFn).toBeNull();
    expect(typeof loss.item()).toBe("number");
  });
});

describe("the .data of a tensor (pytorch#6990, pytorch#33629)", () => {
  it("does not exist; detach shares the version, so that writes are noticed", () => {
    const x = leaf([2], 1);
    expect("data" in x).toBe(false);
    const y = x.exp();
    y.detach().zero_();
    expect(() => y.sum().backward()).toThrow("modified by an inplace operation");
  });
});

describe("gradients at ties and boundaries (pytorch#43519, pytorch#155048)", () => {
  // values by torch 1.13
  it.each<[string, (x: Tensor) => Tensor, number[]]>([
    ["max() shares", (x) => x.max(), [0.5, 0.5, 0]],
    ["max(dim) takes the first", (x) => x.max(0).values, [1, 0, 0]],
    ["amax shares", (x) => x.amax(0), [0.5, 0.5, 0]],
    ["maximum shares", (x) => x.maximum(tensor([3, 1, 1], { dtype: "float64" })), [0.5, 1, 0.5]],
    ["clamp includes its bounds", (x) => x.clamp(1, 3), [1, 1, 1]],
    ["relu is flat at 0", (x) => x.sub(3).relu(), [0, 0, 0]],
    ["abs is flat at 0", (x) => x.sub(3).abs(), [0, 0, -1]],
  ])("%s", (_, f, gradient) => {
    const x = tensor([3, 3, 1], { dtype: "float64", requiresGrad: true });
    f(x).sum().backward();
    expect(x.grad!.tolist()).toEqual(gradient);
  });
});

describe("errors come where the mistake is, before anything changes (pytorch#2940)", () => {
  it.each<[string, (x: Tensor, y: Tensor) => unknown, string]>([
    ["a leaf that is written to", (x) => x.mul_(2), "a leaf Variable that requires grad"],
    ["a view of one", (x) => x.view(3, 1).zero_(), "a view of a leaf Variable that requires grad"],
    ["an assignment to a part of one", (x) => x.indexPut_([0], 1), "a leaf Variable"],
    ["a shape that does not fit", (_, y) => y.add_(ones([2, 3], { dtype: "float64" })),
      "doesn't match the broadcast shape [2, 3]"],
    ["a dtype that does not fit", (_, y) => y.to("int32").add_(y), "can't be cast"],
    ["elements that share memory", (_, y) => y.narrow(0, 0, 1).expand(3).mul_(2),
      "refers to a single memory location"],
    ["a cotangent of another shape", (x) => x.mul(2).backward(ones([1], { dtype: "float64" })),
      "Mismatch in shape: grad_output[0] has a shape of [1] and output[0] has a shape of [3]"],
    ["a root without gradient", (x, y) => backward([x.sum(), y.sum()]),
      "element 1 of tensors does not require grad"],
    ["a root that is no scalar", (x) => backward([x.sum(), x.mul(2)]),
      "grad can be implicitly created only for scalar outputs: output 1 has shape [3]"],
  ])("%s", (_, call, message) => {
    const [x, y] = [leaf([3], 1), leaf([3], 2).detach()];
    const before = [x.tolist(), y.tolist()];
    expect(() => call(x, y)).toThrow(message);
    expect([x.tolist(), y.tolist()]).toEqual(before);
    expect([x._version, y._version, x.grad]).toEqual([0, 0, null]);
    expect(x.isLeaf && !y.requiresGrad).toBe(true);
    noGrad(() => x.mul_(2)); // and all goes on
    x.sum().backward();
    expect(x.grad!.tolist()).toEqual([1, 1, 1]);
  });
});

describe("backward with createGraph", () => {
  it("says once that .grad keeps the graph, and what to use instead", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const x = leaf([2], 1);
    for (let i = 0; i < 2; i++) x.mul(x).sum().backward({ createGraph: true });
    expect(warn).toHaveBeenCalledTimes(1);
    const [message] = warn.mock.calls[0];
    expect(message).toMatch("Using backward() with createGraph: true will create a reference " +
      "cycle between the parameter and its gradient");
    expect(message).toMatch(/using autograd\.grad .* reset the \.grad fields of your parameters/);
  });
});
