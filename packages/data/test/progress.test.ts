// Laws of progress: it passes items on, says how far it is, and never disturbs the terminal.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChainruleError } from "@chainrule/core";
import type { ProgressStream } from "../src/progress.ts";
import { progress } from "../src/progress.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** A terminal that keeps what is written, and the lines as they would be seen. */
function terminal(columns = 80, isTTY = true) {
  const written: string[] = [];
  const stream: ProgressStream = { isTTY, columns, write: (text) => written.push(text) };
  const drawings = (): string[] =>
    written.map((text) => text.replace("\r", "").replace("\x1b[K", "").replace("\n", ""));
  return { stream, written, drawings };
}

async function* countTo(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) yield i;
}

describe("progress", () => {
  test("the items are those of the iterable, with a terminal and without", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.anything()), fc.boolean(), async (items, isTTY) => {
        const { stream, written } = terminal(80, isTTY);
        expect([...progress(items, { stream })]).toEqual(items);
        const seen: unknown[] = [];
        const later = (async function* () {
          yield* items;
        })();
        for await (const item of progress(later, { stream })) seen.push(item);
        expect(seen).toEqual(items);
        expect(written.length > 0).toBe(isTTY);
      }),
    );
  });

  test("a synchronous iterable stays one, an asynchronous too, and what is both stays both", () => {
    const sync = { [Symbol.iterator]: () => [1].values() };
    const both = { ...sync, [Symbol.asyncIterator]: () => countTo(1) };
    const kinds = (bar: object): boolean[] => [Symbol.iterator in bar, Symbol.asyncIterator in bar];
    expect(kinds(progress([1]))).toEqual([true, false]);
    expect(kinds(progress(countTo(1)))).toEqual([false, true]);
    expect(kinds(progress(both))).toEqual([true, true]);
  });

  test("a second pass starts again", () => {
    const { stream, drawings } = terminal();
    const bar = progress([1, 2], { stream });
    expect([...bar, ...bar]).toEqual([1, 2, 1, 2]);
    expect(drawings().map((line) => line.slice(0, 4))).toEqual(["  0%", "100%", "  0%", "100%"]);
  });

  test("the line tells label, count, rate, remaining time and postfix", () => {
    const { stream, written, drawings } = terminal();
    const bar = progress(new Set([1, 2, 3, 4]), { label: "epoch 0", stream });
    for (const item of bar) {
      vi.advanceTimersByTime(500);
      bar.postfix({ loss: 1 / 3, step: item });
    }
    const end = "2.0 it/s, loss=0.333, step=";
    const [quarter, blank] = ["█".repeat(4), " ".repeat(4)];
    const last = `epoch 0 100%|${"█".repeat(23)}| 4/4 [00:02, ${end}4]`;
    expect(last).toHaveLength(79);
    expect(drawings()).toEqual([
      `epoch 0   0%|${" ".repeat(30)}| 0/4 [00:00<?, 0.0 it/s]`,
      `epoch 0  25%|${quarter}▎${blank.repeat(3)}| 1/4 [00:00<00:01, ${end}1]`,
      `epoch 0  50%|${quarter.repeat(2)}▌${blank.repeat(2)}| 2/4 [00:01<00:01, ${end}2]`,
      `epoch 0  75%|${quarter.repeat(3)}▊${blank}| 3/4 [00:01<00:00, ${end}3]`,
      last,
      last,
    ]);
    expect(written.at(-1)?.endsWith("\n")).toBe(true);
  });

  test("an iterable of unknown length is counted, slow ones in seconds per item", async () => {
    const { stream, drawings } = terminal();
    for await (const _ of progress(countTo(2), { stream })) vi.advanceTimersByTime(4_000_000);
    expect(drawings().at(-1)).toBe("2 it [2:13:20, 4000.0 s/it]");
  });

  test("more items than announced are counted on, without a bar", () => {
    const { stream, drawings } = terminal();
    for (const _ of progress([1, 2, 3], { total: 2, stream })) vi.advanceTimersByTime(1000);
    expect(drawings().at(-1)).toBe("3 it [00:03, 1.0 it/s]");
  });

  test("it draws at most ten times a second, and at the ends", () => {
    const { stream, written } = terminal();
    for (const _ of progress(new Array(10_000), { stream })) vi.advanceTimersByTime(1);
    expect(written.length).toBeGreaterThan(90);
    expect(written.length).toBeLessThanOrEqual(102);
  });

  test("leaving the loop, by break or error, ends the line once and closes the source", () => {
    for (const leave of ["break", "throw", "source"]) {
      const { stream, written, drawings } = terminal();
      const closed = vi.fn();
      const source = (function* () {
        try {
          yield 1;
          yield 2;
          if (leave === "source") throw new Error("source");
          yield 3;
        } finally {
          closed();
        }
      })();
      const loop = (): void => {
        for (const item of progress(source, { total: 3, stream })) {
          if (item === 2 && leave === "break") break;
          if (item === 2 && leave === "throw") throw new Error("throw");
        }
      };
      if (leave === "break") loop();
      else expect(loop).toThrow(leave);
      expect(closed).toHaveBeenCalledOnce();
      expect(written.join("").match(/\n/g)).toHaveLength(1);
      expect(written.at(-1)?.endsWith("\n")).toBe(true);
      expect(drawings().at(-1)).toContain(leave === "source" ? " 2/3 " : " 1/3 ");
    }
  });

  test("an asynchronous loop that is left ends the line and closes the source", async () => {
    const { stream, written } = terminal();
    const source = countTo(5);
    for await (const item of progress(source, { stream })) if (item === 1) break;
    expect(written.join("").match(/\n/g)).toHaveLength(1);
    expect(await source.next()).toEqual({ done: true, value: undefined });
  });

  test("no line is as wide as the terminal, whatever it shows, nor does it break", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 40 });
    fc.assert(
      fc.property(text, text, fc.integer({ min: 1, max: 120 }), (label, postfix, columns) => {
        const { stream, drawings, written } = terminal(columns);
        for (const _ of progress([1, 2], { label, postfix, stream })) vi.advanceTimersByTime(200);
        for (const line of drawings()) {
          const narrow = line.replace(/[\p{M}\p{Cf}]/gu, "");
          expect([...narrow].length).toBeLessThan(Math.max(columns, 1));
          expect(line).not.toMatch(/[\p{Cc}]/u);
        }
        expect(written.join("").match(/\n/g)).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });

  test("letters of double width count twice", () => {
    const { stream, drawings } = terminal(11);
    expect([...progress([1], { label: "学習率学習率", stream })]).toEqual([1]);
    expect(drawings()[0]).toBe("学習率学習");
  });

  test("a line break in a label or postfix is a space", () => {
    const { stream, drawings } = terminal();
    for (const _ of progress([1], { label: "a\nb\x1b", postfix: "c\rd", stream }));
    expect(drawings()[0]).toMatch(/^a b  .*c d\]$/);
  });

  test("a length that throws our error is an unknown one; any other error is passed on", () => {
    const { stream, drawings } = terminal();
    const iterable = (error: Error) => ({
      [Symbol.iterator]: () => [1].values(),
      get length(): number {
        throw error;
      },
    });
    expect([...progress(iterable(new ChainruleError("x", "y")), { stream })]).toEqual([1]);
    expect(drawings()[0]).toContain("0 it");
    expect(() => progress(iterable(new Error("broken")))).toThrow("broken");
  });

  test("no items at all make a finished line", () => {
    const { stream, drawings } = terminal();
    expect([...progress([], { stream })]).toEqual([]);
    expect(drawings().at(-1)).toMatch(/^100%\|█{30}\| 0\/0 \[00:00, 0\.0 it\/s\]$/);
  });

  test.each([
    [null, {}, /expected an iterable, got null/],
    [{ length: 3 }, {}, /expected an iterable, got \{length\}/],
    [[1], { total: -1 }, /total must be a non-negative integer, got -1/],
    [[1], { total: 1.5 }, /total .* got 1.5/],
    [[1], { label: 3 }, /label must be a string, got 3/],
    [[1], { postfix: 3 }, /postfix must be .* got 3/],
    [[1], { stream: {} }, /stream must have write\(\)/],
  ])("wrong arguments are refused at once: %#", (iterable, options, message) => {
    expect(() => progress(iterable as never, options as never)).toThrow(ChainruleError);
    expect(() => progress(iterable as never, options as never)).toThrow(message);
    expect(() => progress([1]).postfix(null as never)).toThrow(/postfix/);
  });

  test("unknown options are refused, silent or not", () => {
    expect(() => progress([1], { lable: "" } as never)).toThrow("progress: unknown option lable");
    expect(() => progress([1], "epoch" as never)).toThrow("progress: options must be an object");
  });
});
