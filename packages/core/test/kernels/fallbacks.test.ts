// Whole processes that lack something: generated code, WebAssembly, shared memory.
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPackages } from "./built-packages.ts";

const BUILD_MILLISECONDS = 240_000;
let folder: string;

beforeAll(() => { folder = buildPackages("core", "nn", "optim"); }, BUILD_MILLISECONDS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Trains a classifier; prints its losses, and what the process has. */
const training = `
  const { manualSeed, rand, randn } = await import("@chainrule/core");
  const { Linear, Sequential, GELU, functional } = await import("@chainrule/nn");
  const { Adam } = await import("@chainrule/optim");
  const can = (what) => { try { what(); return true; } catch { return false; } };
  manualSeed(3);
  const model = new Sequential(new Linear(33, 70), new GELU(), new Linear(70, 10));
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const [inputs, weights] = [randn([120, 33]), rand([33, 10])];
  const classes = inputs.matmul(weights).argmax(1);
  const losses = [];
  for (let step = 0; step < 12; step++) {
    optimizer.zeroGrad();
    const loss = functional.crossEntropy(model(inputs), classes);
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
  }
  console.log(JSON.stringify({
    losses, generates: can(() => new Function("")),
    compiles: can(() => new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))),
    shares: typeof SharedArrayBuffer === "function",
  }));`;

interface Trained {
  readonly losses: readonly number[];
  readonly generates: boolean;
  readonly compiles: boolean;
  readonly shares: boolean;
}

/** Trains in a process with these flags, after the statements in `before`. */
async function train(flags: readonly string[], before = ""): Promise<Trained> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath,
    [...flags, "--input-type=module", "--eval", before + training], { cwd: folder });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Trained;
}

const noCode = "--disallow-code-generation-from-strings";
const noWebAssembly = "--no-expose-wasm";
const refuse = `WebAssembly.Module = class {
  constructor() { throw new WebAssembly.CompileError("refused by a content security policy"); }
};`;

let full: Trained;
let plain: Trained;

beforeAll(async () => { [full, plain] = [await train([]), await train([noWebAssembly])]; });

test("training learns with everything there is", () => {
  expect(full).toMatchObject({ generates: true, compiles: true, shares: true });
  expect(full.losses.at(-1)).toBeLessThan(0.5 * full.losses[0]);
});

test("without WebAssembly the losses are those of float64 kernels that store float32", () => {
  expect(plain).toMatchObject({ generates: true, compiles: false });
  plain.losses.forEach((loss, step) => {
    // Rounding of one step, 2⁻²⁴ per operation, grows in Adam, whose first steps are signs.
    expect(Math.abs(loss - full.losses[step]), `step ${step}`).toBeLessThan(1e-4);
  });
});

test("generated code and the interpreter give the same losses, beside SIMD kernels", async () => {
  const trained = await train([noCode]);
  expect(trained).toMatchObject({ generates: false, compiles: true });
  expect(trained.losses).toEqual(full.losses);
});

test("the same without WebAssembly", async () => {
  const trained = await train([noCode, noWebAssembly]);
  expect(trained).toMatchObject({ generates: false, compiles: false });
  expect(trained.losses).toEqual(plain.losses);
});

test("a policy that refuses to compile WebAssembly counts as none", async () => {
  const trained = await train([], refuse);
  expect(trained).toMatchObject({ generates: true, compiles: false });
  expect(trained.losses).toEqual(plain.losses);
  expect((await train([noCode], refuse)).losses).toEqual(plain.losses);
});

test("memory that cannot be shared changes no result", async () => {
  const trained = await train([], "delete globalThis.SharedArrayBuffer;");
  expect(trained).toMatchObject({ compiles: true, shares: false });
  expect(trained.losses).toEqual(full.losses);
});
