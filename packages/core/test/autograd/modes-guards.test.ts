// Guards of grad modes: `using` closes them, and none survives the code that opened it.
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { enableGrad, isGradEnabled, noGrad, setGradEnabled } from "../../src/index.ts";
import { leaf } from "./drawn.ts";

const warn = vi.spyOn(console, "warn");

beforeEach(() => { warn.mockReset().mockImplementation(() => {}); });

afterEach(() => expect(isGradEnabled()).toBe(true));

const guards = [
  ["noGrad", () => noGrad(), false], ["enableGrad", () => enableGrad(), true],
  ["setGradEnabled(false)", () => setGradEnabled(false), false],
  ["setGradEnabled(true)", () => setGradEnabled(true), true],
] as const;

describe.each(guards)("a guard of %s", (_, open, inside) => {
  it.each([true, false])("restores %s at the end of the block, and after an exception " +
    "(test_set_grad_enabled)", (outer) => {
    using _around = setGradEnabled(outer);
    {
      using _guard = open();
      expect(isGradEnabled()).toBe(inside);
    }
    expect(isGradEnabled()).toBe(outer);
    const failing = () => { using _guard = open(); throw new RangeError("mine"); };
    expect(failing).toThrow(RangeError);
    expect(isGradEnabled()).toBe(outer);
  });

  it("nests with callbacks and itself, 2,000 deep", () => {
    const nest = (levels: number) => {
      if (levels === 0) return;
      using _guard = open();
      setGradEnabled(!inside, () => nest(levels - 1));
      expect(isGradEnabled()).toBe(inside);
    };
    nest(1000);
  });

  it("may be closed by hand, and again without effect", () => {
    const guard = open();
    guard[Symbol.dispose]();
    expect(isGradEnabled()).toBe(true);
    noGrad(() => {
      guard[Symbol.dispose]();
      expect(isGradEnabled()).toBe(false);
    });
  });
});

describe("guards in synchronous code", () => {
  it("stop recording as the callback does", () => {
    const x = leaf([2], 1);
    const square = () => { using _guard = noGrad(); return x.mul(x); };
    expect(square().requiresGrad).toBe(false);
    expect(x.mul(x).requiresGrad).toBe(true);
  });

  it("cause no report", async () => {
    for (let i = 0; i < 3; i++) {
      using _guard = noGrad();
    }
    await null;
    await null;
    expect(warn).not.toHaveBeenCalled();
  });

  it("need a mode that is true or false", () => {
    expect(() => setGradEnabled(1 as never)).toThrow("takes true or false first, got 1");
    expect(() => noGrad(undefined as never)).toThrow("takes a function");
  });
});

/** An async function that keeps a guard open across `turns` awaits. */
async function crossing(turns: number, look = () => {}): Promise<void> {
  using _guard = noGrad();
  look();
  for (let turn = 0; turn < turns; turn++) {
    await null;
    look();
  }
}

describe("a guard that crosses an await", () => {
  it("is closed before the code goes on, reported with its line, and fails where it ends " +
    "(test_set_grad_coroutines)", async () => {
    const seen: boolean[] = [];
    await expect(crossing(2, () => { seen.push(isGradEnabled()); })).rejects.toThrow(
      /noGrad: the guard opened at crossing \(.*modes-guards\.test\.ts:\d+:\d+\) was still open/);
    expect(seen).toEqual([false, true, true]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch("It has crossed an await or a yield");
  });

  it("does not hide the error of the code itself (test_set_grad_coroutines_benign_exceptions)",
    async () => {
      const failing = async () => {
        using _guard = noGrad();
        await null;
        throw new RangeError("mine");
      };
      await expect(failing()).rejects.toMatchObject({ suppressed: new RangeError("mine") });
    });

  it("ends with the callback it was opened in", () => {
    const tasks: Promise<void>[] = [];
    noGrad(() => {
      enableGrad(() => { tasks.push(crossing(1)); });
      expect(isGradEnabled()).toBe(false);
      expect(warn).toHaveBeenCalledTimes(1);
    });
    return expect(tasks[0]).rejects.toThrow("was still open");
  });

  it("and is never closed is reported too", async () => {
    noGrad();
    expect(isGradEnabled()).toBe(false);
    await null;
    expect(isGradEnabled()).toBe(true);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});

describe("a guard that crosses a yield", () => {
  const paused = (mode: boolean) => {
    const generator = (function* () { using _guard = setGradEnabled(mode); yield 1; })();
    generator.next();
    return generator;
  };

  it("is refused when it ends inside a later scope, which keeps its mode " +
    "(test_set_grad_generator_functions)", () => {
    const generator = paused(false);
    {
      using _later = enableGrad();
      expect(() => generator.next()).toThrow("inside the scope of enableGrad, opened at");
      expect(isGradEnabled()).toBe(true);
    }
    expect(isGradEnabled()).toBe(true);
  });

  it("is refused when it ends inside a callback, which keeps its mode", () => {
    const generator = paused(true);
    noGrad(() => {
      expect(() => generator.next()).toThrow("inside a callback that runs in a mode of its own");
      expect(isGradEnabled()).toBe(false);
    });
    expect(isGradEnabled()).toBe(true);
  });

  it("never leaves its mode behind, in whatever order generators end", () => {
    const order = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }).chain((modes) =>
      fc.tuple(fc.constant(modes), fc.shuffledSubarray(modes.map((_, i) => i),
        { minLength: modes.length })));
    fc.assert(fc.property(order, ([modes, ends]) => {
      const generators = modes.map(paused);
      for (const end of ends) {
        try { generators[end].next(); } catch { /* out of order */ }
      }
      expect(isGradEnabled()).toBe(true);
    }));
  });
});

/** What a task does: waits for some turns, or opens a mode around more of the same. */
type Step =
  | { readonly kind: "wait"; readonly turns: number }
  | { readonly kind: "callback" | "guard"; readonly mode: boolean; readonly steps: Step[] }
  | { readonly kind: "crossing"; readonly turns: number };

const wait = fc.record({ kind: fc.constant("wait" as const), turns: fc.nat(3) });

const { nest } = fc.letrec<{ nest: Step; steps: Step[] }>((tie) => ({
  nest: fc.record({
    kind: fc.constantFrom("callback" as const, "guard" as const), mode: fc.boolean(),
    steps: tie("steps"),
  }),
  steps: fc.oneof(
    { maxDepth: 3 }, fc.constant<Step[]>([]), fc.array(tie("nest"), { maxLength: 2 })),
}));

const cross = fc.record({
  kind: fc.constant("crossing" as const), turns: fc.integer({ min: 1, max: 3 }),
});

const tasksOf = (...steps: fc.Arbitrary<Step>[]) =>
  fc.array(fc.array(fc.oneof(...steps), { maxLength: 6 }), { minLength: 2, maxLength: 5 });

/** Runs the synchronous steps of a task, and checks the mode at every point. */
function runNested(steps: readonly Step[], mode: boolean): void {
  expect(isGradEnabled()).toBe(mode);
  for (const step of steps) {
    if (step.kind === "callback") {
      setGradEnabled(step.mode, () => runNested(step.steps, step.mode));
    } else if (step.kind === "guard") {
      using _guard = setGradEnabled(step.mode);
      runNested(step.steps, step.mode);
    }
    expect(isGradEnabled()).toBe(mode);
  }
}

describe("interleaved async tasks", () => {
  it("see exactly the modes they have opened themselves", async () => {
    const run = async (steps: readonly Step[]) => {
      for (const step of steps) {
        if (step.kind === "wait") for (let i = 0; i < step.turns; i++) await null;
        else runNested([step], true);
      }
    };
    await fc.assert(fc.asyncProperty(tasksOf(wait, nest), async (tasks) => {
      await Promise.all(tasks.map(run));
      expect(isGradEnabled()).toBe(true);
      expect(warn).not.toHaveBeenCalled();
    }), { numRuns: 300 });
  });

  it("never leave a mode behind: what crosses an await is closed and reported each time",
    async () => {
      let opened = 0;
      const look = () => { // a mode that is not one's own is one that is about to be reported
        if (!isGradEnabled()) expect(opened).toBeGreaterThan(warn.mock.calls.length);
      };
      const run = async (steps: readonly Step[]) => {
        for (const step of steps) {
          if (step.kind === "wait") for (let i = 0; i < step.turns; i++) await null;
          if (step.kind === "crossing") {
            opened++;
            await expect(crossing(step.turns, look)).rejects.toThrow("was still open");
          }
          look();
        }
      };
      await fc.assert(fc.asyncProperty(tasksOf(wait, cross), async (tasks) => {
        opened = 0;
        warn.mockClear();
        await Promise.all(tasks.map(run));
        expect(isGradEnabled()).toBe(true);
        expect(warn).toHaveBeenCalledTimes(opened);
      }), { numRuns: 300 });
    });
});
