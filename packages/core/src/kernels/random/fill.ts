// Random fills of float32 arrays and masks in WebAssembly; the same numbers as those of random/.
import { type BernoulliTarget, checkProbability, fillMask as fillMaskInJavaScript }
  from "../../random/bernoulli.ts";
import type { Generator } from "../../random/generator.ts";
import { checkStd, fillNormal as fillNormalInJavaScript, normalBlock, type FillNormalOptions }
  from "../../random/normal.ts";
import { fillRand as fillRandInJavaScript, fillUniform as fillUniformInJavaScript, uniformRange,
  type FloatArray } from "../../random/uniform.ts";
import { hasSimd } from "../../wasm/features.ts";
import { masksModule, normalsModule, uniformsModule } from "./distributions.ts";
import { indexAfter, STATE_BYTES, wordsModule } from "./words.ts";

/** Elements from which copying the state pays: uniforms then cost the same, masks a third. */
const SMALLEST = 64;

/** Words drawn at a time; they stay in the first-level cache. */
const WORDS = 8192;

/** Place of the words, behind the state. */
const AT = Math.ceil(STATE_BYTES / 64) * 64;

type Run = (...args: number[]) => void;

/** Memory of one state and some words, and the functions over it. */
interface Engine {
  readonly state: Uint32Array;
  readonly floats: Float32Array;
  readonly words: Run;
  readonly uniforms: Run;
  readonly masks: Run;
  readonly normals: Run;
}

let engine: Engine | undefined;

function start(): Engine {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const run = (bytes: Uint8Array<ArrayBuffer>) => new WebAssembly.Instance(
    new WebAssembly.Module(bytes), { env: { memory } }).exports.run as Run;
  return {
    state: new Uint32Array(memory.buffer), floats: new Float32Array(memory.buffer, AT, WORDS),
    words: run(wordsModule()), uniforms: run(uniformsModule()), masks: run(masksModule()),
    normals: run(normalsModule()),
  };
}

/**
 * Draws `perElement` words for each of `count` elements, in portions: `take` turns the words of
 * `size` elements into numbers and brings them to their place, `at`.
 */
function inPortions(
  generator: Generator, count: number, perElement: 1 | 2,
  take: (engine: Engine, at: number, size: number) => void,
): void {
  const own = engine ??= start();
  generator.drawWith((words, index) => {
    own.state.set(words);
    const portion = WORDS / perElement;
    for (let at = 0; at < count; at += portion) {
      const size = Math.min(portion, count - at);
      own.words(0, index, AT, perElement * size);
      index = indexAfter(index, perElement * size);
      take(own, at, size);
    }
    words.set(own.state.subarray(0, words.length));
    return index;
  });
}

function isLarge(values: ArrayLike<number>): boolean {
  return values.length >= SMALLEST && hasSimd();
}

/** Fills with uniforms in `[0, 1)`; see random/uniform.ts. */
export function fillRand(generator: Generator, values: FloatArray): void {
  if (values instanceof Float32Array && isLarge(values)) drawUniforms(generator, values, 0, 1);
  else fillRandInJavaScript(generator, values);
}

/** Fills with uniforms in `[from, to)`; see random/uniform.ts. */
export function fillUniform(
  generator: Generator, values: FloatArray, from: number, to: number,
): void {
  if (!(values instanceof Float32Array && isLarge(values))) {
    return fillUniformInJavaScript(generator, values, from, to);
  }
  const { low, width } = uniformRange(values, from, to);
  drawUniforms(generator, values, low, width);
}

function drawUniforms(
  generator: Generator, values: Float32Array, low: number, width: number,
): void {
  inPortions(generator, values.length, 1, ({ uniforms, floats }, at, size) => {
    uniforms(AT, Math.ceil(size / 4), width, low);
    values.set(floats.subarray(0, size), at);
  });
}

/** Fills with normals `N(mean, std²)`; see random/normal.ts. */
export function fillNormal(
  generator: Generator, values: FloatArray, mean: number, std: number, options: FillNormalOptions,
): void {
  if (!(values instanceof Float32Array && options.contiguous && isLarge(values))) {
    return fillNormalInJavaScript(generator, values, mean, std, options);
  }
  checkStd(std);
  const draw = (part: Float32Array, words: number) =>
    inPortions(generator, words, 1, ({ uniforms, normals, floats }, at, size) => {
      uniforms(AT, Math.ceil(size / 4), 1, 0);
      if (size >= normalBlock) normals(AT, Math.floor(size / normalBlock), mean, std);
      part.set(floats.subarray(0, size), at);
    });
  const n = values.length;
  draw(values, n); // what follows the last full block is drawn for nothing, as PyTorch does
  if (n % normalBlock !== 0) draw(values.subarray(n - normalBlock), normalBlock);
}

/** Fills with ones of probability `p`; see random/bernoulli.ts. */
export function fillBernoulli(
  generator: Generator, values: BernoulliTarget, p: number, op = "bernoulli_",
): void {
  checkProbability(op, p);
  fillMask(generator, values, p, 1);
}

/** Fills with `one`, with probability `p` in `[0, 1]`, and zeros; see random/bernoulli.ts. */
export function fillMask(
  generator: Generator, values: BernoulliTarget, p: number, one: number,
): void {
  if (!isLarge(values)) return fillMaskInJavaScript(generator, values, p, one);
  const limit = Math.ceil(p * 2 ** 53); // an integer is below p 2⁵³ where it is below this
  const single = values instanceof Float32Array;
  inPortions(generator, values.length, 2, ({ masks, floats }, at, size) => {
    masks(AT, Math.ceil(size / 4), limit, Math.floor(limit / 2 ** 32), single ? one : 1);
    const portion = floats.subarray(0, size);
    if (single) values.set(portion, at);
    else for (let i = 0; i < size; i++) values[at + i] = portion[i] * one;
  });
}
