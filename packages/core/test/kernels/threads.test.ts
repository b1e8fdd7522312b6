// Steps on several threads: every call done once, in order of steps, whatever happens to workers.
import { resolveObjectURL } from "node:buffer";
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { Worker as NodeWorker } from "node:worker_threads";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { SCRATCH_BYTES, type Call, type Step } from "../../src/kernels/heap-kernel.ts";
import { CodeArea } from "../../src/kernels/threads/code-area.ts";
import { at } from "../../src/kernels/threads/control.ts";
import { Lateness } from "../../src/kernels/threads/lateness.ts";
import { Pool } from "../../src/kernels/threads/pool.ts";
import {
  getNumThreads, initThreads, runSteps, setNumThreads, setScratch, stopThreads, threadsInUse,
} from "../../src/kernels/threads/threads.ts";
import {
  addKernel, BASE, cells, createMemory, detourKernel, incrementKernel, padded, seriesKernel,
  stuckKernel,
} from "./thread-kernels.ts";
import { runNode, transpile } from "./transpiled.ts";

const increment = incrementKernel();

/** Calls that add one to each of `count` cells, in place: a call done twice would show. */
function inPlace(count: number, rounds: number): Call[] {
  return Array.from({ length: count }, (_, i) => [BASE + 16 * i, BASE + 16 * i, rounds]);
}

/** Two steps that read each other's results, each cell its neighbour's: an early one would show. */
function relay(width: number, rounds: number): Step[] {
  const address = (half: number, i: number) => BASE + 16 * (half * width + i % width);
  return [0, 1].map((half) => ({
    kernel: increment,
    calls: Array.from({ length: width }, (_, i): Call =>
      [address(half, i + 1), address(1 - half, i), rounds]),
  }));
}

async function threads(count: number, memory: WebAssembly.Memory): Promise<void> {
  setNumThreads(count);
  await initThreads(memory);
  expect(threadsInUse(memory)).toEqual({ threads: count, wanted: count, reason: null });
}

/** Keeps all threads at work however late they are. */
function neverBackOff(): void {
  vi.spyOn(Lateness.prototype, "lose").mockImplementation(() => {});
}

afterEach(() => {
  stopThreads();
  vi.restoreAllMocks();
});

describe.each([1, 2, 4])("on %i threads", (count) => {
  beforeEach(neverBackOff);

  test("every call is done exactly once", async () => {
    const memory = createMemory();
    await threads(count, memory);
    const expected: number[] = new Array(3000).fill(0);
    fc.assert(fc.property(
      fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3000 })),
      fc.nat(2000),
      (length, rounds) => {
        runSteps(memory, [{ kernel: increment, calls: inPlace(length, rounds) }]);
        for (let i = 0; i < length; i++) expected[i]++;
        expect(cells(memory, BASE, 3000)).toEqual(expected);
      }));
  });

  test("a step sees all results of the one before, 100,000 times over", async () => {
    const memory = createMemory();
    await threads(count, memory);
    const steps = relay(4, 10);
    for (let i = 0; i < 50_000; i++) runSteps(memory, steps);
    expect(cells(memory, BASE, 4)).toEqual([100_000, 100_000, 100_000, 100_000]);
  });

  test("results are those of one thread, bit by bit", async () => {
    const kernel = seriesKernel();
    const calls = Array.from({ length: 100 }, (_, i): Call =>
      [BASE + 16 * i, 1000 + 37 * i, 0.9 + i / 1003]);
    const run = (memory: WebAssembly.Memory) => {
      runSteps(memory, [{ kernel, calls }]);
      return cells(memory, BASE, 100);
    };
    setNumThreads(1);
    const expected = run(createMemory());
    const memory = createMemory();
    await threads(count, memory);
    for (let i = 0; i < 20; i++) expect(run(memory)).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(90);
  });

  test("workers find each kernel, also when there is no room for the code of all", async () => {
    const memory = createMemory();
    await threads(count, memory);
    const kernels = [0, 2 ** 18, 2 ** 18, 2 ** 19, 2 ** 19, 2 ** 20].map((bytes, i) =>
      padded(addKernel(10 ** i), bytes));
    const calls = Array.from({ length: 4 }, (_, i) => [BASE + 16 * i, BASE + 16 * i, 1000]);
    let expected = 0;
    fc.assert(fc.property(fc.nat(5), (i) => {
      for (let k = 0; k < 3; k++) runSteps(memory, [{ kernel: kernels[i], calls }]);
      expected += 3 * 10 ** i;
      expect(cells(memory, BASE, 4)).toEqual(new Array(4).fill(expected));
    }));
  });

  test("scratch memory belongs to one thread", async () => {
    const memory = createMemory();
    let next = 8 * SCRATCH_BYTES;
    memory.grow((12 * SCRATCH_BYTES - memory.buffer.byteLength) / 65536);
    const allocate = vi.fn(() => next += 65536);
    setScratch(memory, allocate);
    await threads(count, memory);
    const calls = Array.from({ length: 40 }, (_, i) => [BASE + 16 * i, BASE + 16 * i, 50_000]);
    const before = Array.from({ length: 40 }, (_, i) => 1000 * i);
    new Int32Array(memory.buffer, BASE).set(before.flatMap((value) => [value, 0, 0, 0]));
    const seen = new Set<number>();
    let steps = 0;
    while (steps < 40 || seen.size < count && steps < 10_000) {
      runSteps(memory, [{ kernel: detourKernel, calls }]);
      for (const address of cells(memory, BASE + 4, 40)) seen.add(address);
      steps++;
    }
    expect(cells(memory, BASE, 40)).toEqual(before.map((value) => value + steps));
    expect(seen).toEqual(new Set(allocate.mock.results.map(({ value }) => value)));
    expect(allocate).toHaveBeenCalledTimes(count);
  });

  test("what a call throws is thrown, and the next step is done", async () => {
    const memory = createMemory();
    await threads(count, memory);
    for (let bad = 0; bad < 20; bad++) {
      const calls = inPlace(20, 2000);
      calls[bad] = [2 ** 30, BASE, 0];
      expect(() => runSteps(memory, [{ kernel: increment, calls }])).toThrow(/out of bounds/);
      const before = cells(memory, BASE, 20);
      runSteps(memory, [{ kernel: increment, calls: inPlace(20, 0) }]);
      expect(cells(memory, BASE, 20)).toEqual(before.map((value) => value + 1));
    }
    expect(threadsInUse(memory).threads).toBe(count);
  });
});

describe("how many threads", () => {
  test("is what was set, and can change between steps", async () => {
    const memory = createMemory();
    let rounds = 0;
    fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), (count) => {
      setNumThreads(count);
      expect(getNumThreads()).toBe(count);
      runSteps(memory, relay(5, 3000));
      rounds += 2;
      expect(cells(memory, BASE, 5)).toEqual(new Array(5).fill(rounds));
    }));
  });

  test.each([0, -1, 1.5, NaN, "2", undefined])("setNumThreads refuses %j", (count) => {
    expect(() => setNumThreads(count as number))
      .toThrow("setNumThreads: expects a positive integer");
  });

  test("work of one call starts none", () => {
    const memory = createMemory();
    setNumThreads(2);
    for (let i = 0; i < 10; i++) runSteps(memory, [{ kernel: increment, calls: inPlace(1, 0) }]);
    const scalars = incrementKernel(true, true);
    runSteps(memory, [{ kernel: scalars, calls: inPlace(10, 0) }]);
    expect(threadsInUse(memory))
      .toEqual({ threads: 1, wanted: 2, reason: "no work was large enough yet" });
    expect(cells(memory, BASE, 2)).toEqual([11, 1]);
  });

  test("a memory that is not shared has one", () => {
    const memory = createMemory(false);
    setNumThreads(2);
    runSteps(memory, [{ kernel: incrementKernel(false), calls: inPlace(10, 0) }]);
    expect(cells(memory, BASE, 10)).toEqual(new Array(10).fill(1));
    expect(threadsInUse(memory))
      .toEqual({ threads: 1, wanted: 2, reason: "the memory is not shared" });
  });
});

describe("a worker that is lost", () => {
  test("in a call: the call is done again, with one warning", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const memory = createMemory();
    const home = 8 * 65536;
    let next = home - 4096;
    setScratch(memory, () => next += 4096);
    await threads(3, memory);
    const calls = Array.from({ length: 50 }, (_, i) =>
      [home, BASE + 16 * i, BASE + 16 * (100 + i), 20_000]);
    while (threadsInUse(memory).reason === null) {
      runSteps(memory, [{ kernel: stuckKernel, calls }]);
    }
    for (let i = 0; i < 3; i++) runSteps(memory, [{ kernel: stuckKernel, calls }]);
    expect(cells(memory, BASE + 1600, 50)).toEqual(new Array(50).fill(1));
    expect(threadsInUse(memory)).toMatchObject({
      threads: 1, reason: "a worker did not finish its work",
    });
    await new Promise((resolve) => setTimeout(resolve, 50)); // time for workers to say they ended
    expect(warn.mock.calls).toEqual([["chainrule: a worker did not finish its work; " +
      "everything runs in one thread from here on"]]);
  });

  test.each([0, 1, 2])("at any time: steps go on, with one warning (%i)", async (pause) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const memory = createMemory();
    const pool = new Pool(memory, () => 0);
    pool.start(2);
    while (pool.ready(2) < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    const { exports } = new WebAssembly.Instance(
      new WebAssembly.Module(increment.bytes), { env: { memory } });
    const steps = relay(8, 20_000);
    const run = () => {
      for (const step of steps) {
        pool.run(step, 2, (call) => (exports.run as (...args: number[]) => void)(...call));
      }
    };
    for (let i = 0; i < 100; i++) run();
    pool.workers[pause % 2].terminate();
    for (let i = 0; i < 20 * pause; i++) run();
    while (pool.failure === null) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      run();
    }
    const total = cells(memory, BASE, 1)[0];
    run();
    expect(cells(memory, BASE, 8)).toEqual(new Array(8).fill(total + 2));
    expect(warn).toHaveBeenCalledTimes(1);
  });
});

test("the words of a batch say where the kernel's code lies", () => {
  const code = new Uint8Array(100);
  const area = new CodeArea(code);
  const words = new Int32Array(64);
  const kernels = [100, 60, 50, 40, 30, 0].map((length, i) => (
    { bytes: new Uint8Array(length).fill(i), needsScalars: false, usesScratch: false }));
  const ids = new Map<number, number>();
  fc.assert(fc.property(fc.nat(5), (i) => {
    area.describe(kernels[i], words);
    const start = words[at.codeStart];
    expect(code.slice(start, start + words[at.codeBytes])).toEqual(kernels[i].bytes);
    expect(ids.get(words[at.kernel]) ?? i).toBe(i);
    ids.set(words[at.kernel], i);
    expect(ids.size).toBeLessThanOrEqual(kernels.length);
  }));
});

describe("lateness", () => {
  test("costs a fifth of the time at most, besides 4 ms and the last loss", () => {
    const waits = fc.double({ min: 0, max: 10, noNaN: true });
    fc.assert(fc.property(fc.array(fc.tuple(waits, waits), { maxLength: 200 }), (steps) => {
      const lateness = new Lateness();
      let [now, lost, last] = [0, 0, 0];
      for (const [busy, late] of steps) {
        now += busy;
        if (lateness.helpers(1, now) === 0) continue;
        lateness.lose(late, 1);
        now += late;
        lost += late;
        last = late;
      }
      expect(lost).toBeLessThanOrEqual(4 + 0.2 * now + last + 1e-9);
    }));
  });

  test("takes helpers away by halves, and gives them back once it has ended", () => {
    const lateness = new Lateness();
    const counts = [0, 1, 2, 3].map((now) => {
      const helpers = lateness.helpers(7, now);
      if (helpers > 0) lateness.lose(5, helpers);
      return helpers;
    });
    expect(counts).toEqual([7, 3, 1, 0]);
    const later = Array.from({ length: 200 }, (_, i) => lateness.helpers(7, 4 + i));
    expect(later).toEqual([...later].sort((a, b) => a - b));
    expect([...new Set(later)]).toEqual([0, 1, 3, 7]);
    const [one, three, seven] = [1, 3, 7].map((helpers) => later.indexOf(helpers));
    expect(three - one).toBe(20); // a fifth of 20 ms is 4 ms
    expect(seven - three).toBe(20);
  });
});

describe("in a browser", () => {
  /** A web worker by means of one of Node. */
  class WebWorker {
    private readonly started: Promise<NodeWorker>;

    constructor(url: string) {
      this.started = resolveObjectURL(url)!.text().then((source) => new NodeWorker(
        "globalThis.onmessage = null;" +
        "const { parentPort } = require('node:worker_threads');" +
        "parentPort.once('message', (data) => onmessage({ data }));" + source, { eval: true }));
    }

    addEventListener(): void {}

    postMessage(data: unknown): void {
      void this.started.then((worker) => worker.postMessage(data));
    }

    terminate(): void {
      void this.started.then((worker) => worker.terminate());
    }
  }

  test("workers start from a Blob, once they were asked for", async () => {
    vi.resetModules();
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
    vi.stubGlobal("Worker", WebWorker);
    const fresh = await import("../../src/kernels/threads/threads.ts");
    try {
      const memory = createMemory();
      fresh.setNumThreads(3);
      const steps = relay(8, 1000);
      fresh.runSteps(memory, steps);
      expect(fresh.threadsInUse(memory).reason).toBe("await init() starts them");
      await fresh.initThreads(memory);
      expect(fresh.threadsInUse(memory).threads).toBe(3);
      for (let i = 1; i < 500; i++) fresh.runSteps(memory, steps);
      expect(cells(memory, BASE, 8)).toEqual(new Array(8).fill(1000));
    } finally {
      fresh.stopThreads();
      vi.unstubAllGlobals();
    }
  });
});

test.each([true, false])("busy processors do no harm to results (backing off: %j)", async (may) => {
  if (!may) neverBackOff();
  const busy = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["-e", "for (;;);"]));
  try {
    const memory = createMemory();
    await threads(3, memory);
    const steps = relay(6, 10_000);
    for (let i = 0; i < 1000; i++) runSteps(memory, steps);
    expect(cells(memory, BASE, 6)).toEqual(new Array(6).fill(2000));
  } finally {
    for (const child of busy) child.kill("SIGKILL");
  }
});

describe("a process with threads", () => {
  let child: ReturnType<typeof transpile>;
  beforeAll(() => void (child = transpile("threads-child.ts")));
  afterAll(() => child.remove());

  const two = '{"threads":2,"wanted":2,"reason":null,"isRight":true}\n';

  test("ends when its script ends, even before workers have started", async () => {
    expect(await runNode(child.path, "atOnce")).toEqual({ code: 0, output: "", errors: "" });
    expect(await runNode(child.path, "wait")).toEqual({ code: 0, output: two, errors: "" });
  });

  test("can exit at once", async () => {
    expect(await runNode(child.path, "exit")).toEqual({ code: 3, output: two, errors: "" });
  });

  test("can itself be a worker", async () => {
    expect(await runNode(child.path, "inWorker")).toEqual({ code: 0, output: two, errors: "" });
  });

  test("has one thread where workers are not permitted, silently", async () => {
    const flag = process.allowedNodeEnvironmentFlags.has("--permission") ? "--permission"
      : "--experimental-permission";
    const { code, output } = await runNode(flag, "--allow-fs-read=*", child.path, "wait");
    expect(JSON.parse(output)).toMatchObject({
      threads: 1, reason: expect.stringMatching(/^no worker can be started: .*restricted/),
      isRight: true,
    });
    expect(code).toBe(0);
  });
});
