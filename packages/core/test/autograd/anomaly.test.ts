// detectAnomaly: which operation is named, at which line, and what it costs when it is off.
import { describe, expect, it } from "vitest";
import { noGrad, ones, tensor, where, type Tensor } from "../../src/index.ts";
import { ChainruleError } from "../../src/errors.ts";
import { anomaly, detectAnomaly } from "../../src/autograd/anomaly.ts";
import { grad } from "../../src/autograd/backward.ts";
import { inspect } from "../../src/inspect/inspect.ts";
import * as nn from "@chainrule/nn";

const leaf = (values: number[]) => tensor(values, { requiresGrad: true });

/** The line of this file that calls it, as messages give it. */
function here(): string {
  const frame = new Error().stack!.split("\n")[2];
  return /anomaly\.test\.ts:\d+:/.exec(frame)![0];
}

function caught(body: () => unknown): ChainruleError {
  try {
    body();
  } catch (error) {
    if (error instanceof ChainruleError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("forward", () => {
  it("names the operation that made the first infinity, where, from what and the line", () => {
    const x = leaf([1, 0]);
    let line = "";
    const error = caught(() => detectAnomaly(() => {
      const y = x.mul(2);
      line = here(); const z = y.log();
      return z.mul(0);
    }));
    expect(error.message).toContain("log: Function 'log' returned inf values in its 0th output: " +
      "1 of the 2 elements of [2], first at [1], where input = 0");
    expect(error.message).toContain(line);
    expect(error.message).toMatch(/Operations that led there\n {2}mul\(\[2\], \[\]\) → \[2\] at .*\n {4}leaf \[2\]/);
    expect(error.details).toMatchObject({ direction: "forward", function: "log", kind: "inf",
      shape: [2], line: expect.stringContaining(line) });
  });

  it("finds NaN, also where nothing is recorded", () => {
    const make = () => ones([2]).sub(1);
    expect(caught(() => detectAnomaly(() => make().div(make()))).message)
      .toContain("Function 'div' returned nan values in its 0th output: 2 of the 2 elements of [2], " +
        "first at [0], where input = 0, other = 0");
    expect(() => detectAnomaly(() => noGrad(() => leaf([-1]).sqrt()))).toThrow("'sqrt' returned nan");
  });

  it("tells who made NaN from who passes it on", () => {
    const data = tensor([1, NaN]);
    expect(caught(() => detectAnomaly(() => data.mul(2))).message)
      .toContain("Its input held nan before: it came with the data");
    expect(caught(() => detectAnomaly(() => tensor([-1]).log())).message).not.toContain("before");
  });

  it("passes on an infinity that was put in, and views, and NaN that is dealt with", () => {
    const scores = leaf([1, 2, 3]);
    const mask = tensor([0, -Infinity, 0]);
    expect(detectAnomaly(() => scores.add(mask).softmax(0).sum().item())).toBeCloseTo(1, 6);
    expect(detectAnomaly(() => scores.maskedFill(tensor([true, false, false]), -Infinity).softmax(0)
      .sum().item())).toBeCloseTo(1, 6);
    const holes = tensor([1, NaN]);
    expect(detectAnomaly(() => where(holes.isnan(), 0, holes.view(2, 1).view(2)).sum().item())).toBe(1);
  });

  it("finds NaN in an in-place write", () => {
    expect(() => detectAnomaly(() => { tensor([-1, 4]).sqrt_(); })).toThrow("'sqrt' returned nan");
  });

  it("looks for what the options say", () => {
    const [zero, minus] = [tensor([0]), tensor([-1])];
    expect(detectAnomaly(() => zero.log().item(), { checkInf: false })).toBe(-Infinity);
    expect(detectAnomaly(() => minus.log().item(), { checkNan: false })).toBe(NaN);
    expect(detectAnomaly(() => minus.log().item(), { checkForward: false })).toBe(NaN);
    expect(() => detectAnomaly(() => {}, { checkNaN: true } as never)).toThrow("unknown option checkNaN");
  });

  it("looks through layers to the line that called the model", () => {
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh());
    noGrad(() => { model.parameters()[0].fill_(3e38); });
    let line = "";
    const error = caught(() => detectAnomaly(() => {
      line = here(); return model(ones([1, 2]));
    }));
    expect(error.message).toContain("returned inf values");
    expect(error.details.line).toContain(line);
  });
});

describe("backward", () => {
  it("names the function, the line of the forward pass and the way of the gradient", () => {
    const x = leaf([4, 0]);
    let line = "";
    const error = caught(() => detectAnomaly(() => {
      const shifted = x.mul(1);
      line = here(); const root = shifted.sqrt();
      root.mul(0).sum().backward();
    }));
    expect(error.message).toContain("backward: Function 'SqrtBackward0' returned nan values in its 0th " +
      "output: 1 of the 2 elements of [2], first at [1]");
    expect(error.message).toContain("Traceback of forward call that caused the error: sqrt at ");
    expect(error.message).toContain(line);
    expect(error.message).toMatch(/Its gradient came through\n {2}mul\(.*\n {2}sum\(/);
    expect(error.message).toMatch(/It was computed by\n {2}sqrt\(.*\n {4}mul\(.*\n {6}leaf \[2\]/);
    expect(error.details).toMatchObject({
      direction: "backward", function: "SqrtBackward0", kind: "nan", shape: [2],
    });
  });

  it("finds infinities too, and accepts them on demand", () => {
    const step = (options = {}) => detectAnomaly(() => {
      const x = leaf([0]);
      x.sqrt().sum().backward();
      return x.grad!.item();
    }, options);
    expect(step).toThrow("'SqrtBackward0' returned inf values in its 0th output: 1 of the 1 elements");
    expect(step({ checkInf: false })).toBe(Infinity);
  });

  it("says so when the forward pass ran outside", () => {
    const y = leaf([0]).sqrt().sum();
    expect(() => detectAnomaly(() => y.backward())).toThrow(
      "No forward pass information available: run the forward pass inside detectAnomaly too");
  });

  it("tells a gradient that was given, or came out of a hook, from one that a rule has made", () => {
    const y = leaf([1]).mul(2);
    expect(() => detectAnomaly(() => y.backward(tensor([NaN]))))
      .toThrow("the gradient that arrived at MulBackward0, of its 0th output, holds nan values");
    const x = leaf([1]);
    x.registerHook((gradient) => gradient.mul(NaN));
    expect(() => detectAnomaly(() => x.mul(2).backward(), { checkForward: false }))
      .toThrow("the gradient that arrived at AccumulateGrad");
  });

  it("does not take what a rule computes on the way for a result", () => {
    const x = leaf([0, 2]);
    const y = detectAnomaly(() => {
      const kept = where(x.gt(0), x, 1).log();
      kept.sum().backward();
      return kept;
    });
    expect(y.tolist()[0 as never]).toBe(0);
    expect(x.grad!.tolist()).toEqual([0, 0.5]);
  });

  it("names the chain of a recorded backward pass", () => {
    const x = leaf([0]);
    const error = caught(() => detectAnomaly(() => {
      const [first] = grad(x.pow(1.5).sum(), x, { createGraph: true });
      first.sum().backward();
    }));
    expect(error.message).toContain("in the recorded backward pass of pow at ");
    expect(error.details).toMatchObject({ direction: "backward", kind: "inf" });
  });

  it("adds the line to errors of other kinds", () => {
    let line = "";
    const error = caught(() => detectAnomaly(() => {
      const x = leaf([1]);
      line = here(); const y = x.exp();
      y.sum().backward();
      y.sum().backward();
    }));
    expect(error.message).toContain("backward through the graph a second time");
    expect(error.message).toMatch(/those of exp at .*anomaly\.test\.ts:\d+/);
    expect(error.message).toContain(`Error detected in ExpBackward0. Traceback of forward call that ` +
      "caused the error: exp at ");
    expect(error.message).toContain(line);
  });
});

describe("a saved tensor that was changed in place", () => {
  const change = () => {
    const x = leaf([1, 2]);
    const y = x.mul(1);
    const lines: string[] = [];
    lines.push(here()); const z = y.sin();
    lines.push(here()); y.add_(1);
    return { lines, run: () => z.sum().backward() };
  };

  it("is reported with the lines that saved and that changed it", () => {
    let lines: string[] = [];
    const error = caught(() => detectAnomaly(() => {
      const changed = change();
      ({ lines } = changed);
      changed.run();
    }));
    expect(error.message).toMatch(new RegExp(
      `sin at \\S*${lines[0]}\\d+ saved as input is at version 1; expected version 0 instead. ` +
      `It was last changed by add_ at \\S*${lines[1]}`));
    expect(error.details).toMatchObject({ savedBy: "sin", changedBy: "add_" });
  });

  it("is reported with a hint outside", () => {
    expect(change().run).toThrow("It was last changed by add_. Hint: detectAnomaly(() => …)");
  });
});

describe("the scope", () => {
  it("gives the result back, and ends with the callback, also when that throws", () => {
    expect(detectAnomaly(() => 3)).toBe(3);
    expect(anomaly).toBeNull();
    expect(() => detectAnomaly(() => { throw new Error("mine"); })).toThrow("mine");
    expect(anomaly).toBeNull();
    expect(tensor([0]).log().item()).toBe(-Infinity);
  });

  it("may be opened inside another one, whose options apply again afterwards", () => {
    detectAnomaly(() => {
      expect(detectAnomaly(() => tensor([0]).log().item(), { checkInf: false })).toBe(-Infinity);
      expect(() => tensor([0]).log()).toThrow("returned inf");
    });
  });

  it("checks again after an error that the callback has dealt with", () => {
    detectAnomaly(() => {
      expect(() => leaf([0]).sqrt().sum().backward()).toThrow("returned inf");
      expect(() => tensor([0]).log()).toThrow("returned inf");
    });
  });

  it("refuses callbacks that are not done when they return", () => {
    expect(() => detectAnomaly(async () => 1)).toThrow("detectAnomaly: the callback returned a promise");
    expect(() => detectAnomaly(() => Promise.resolve(1))).toThrow("returned a promise");
    expect(() => detectAnomaly(3 as never)).toThrow("detectAnomaly: takes a function");
    expect(anomaly).toBeNull();
  });

  it("gives inspect the lines", () => {
    let line = "";
    const y: Tensor = detectAnomaly(() => {
      line = here(); return leaf([1]).exp();
    });
    expect(inspect(y).nodes[1].line).toContain(line);
    expect(inspect(y).toText()).toContain(`· ${line}`);
    expect(inspect(leaf([1]).exp()).nodes[1].line).toBeNull();
  });
});
