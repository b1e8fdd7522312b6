// A stand-in for MNIST that needs no network: drawn once, kept as IDX files, read like MNIST.
import { Generator } from "@chainrule/core";
import { checkOptions, fail, show } from "@chainrule/core/internal";
import { LabelledImages } from "./labelled-images.ts";
import type { MnistArrays } from "./mnist-files.ts";
import { digitClasses } from "./mnist.ts";
import { synthesizeDigits } from "./synthetic-digits/files.ts";

/** Options of `SyntheticDigits.load`. */
export interface SyntheticDigitsOptions {
  /** The training part, else the test part. Default `true`. */
  readonly train?: boolean;
  /** Digits in each part. Default 60000 and 10000. */
  readonly counts?: { readonly train?: number; readonly test?: number };
  /** Seed of the drawing. Default 0. */
  readonly seed?: number;
  /** Called while digits are drawn. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Handwritten-looking digits `[1, 28, 28]`, drawn from strokes with random distortion.
 *
 * A drop-in for `MNIST`: the same files, shapes and classes.
 */
export class SyntheticDigits extends LabelledImages {
  constructor({ images, labels }: MnistArrays) { super(images, labels, digitClasses); }

  /**
   * One part, from the files in `folder`; both parts are drawn first where these are missing,
   * damaged or of other counts or another seed. Node only; drawing blocks until it is done.
   * @throws ChainruleError for a folder that cannot be written or that holds another data set
   */
  static async load(
    folder: string, options: SyntheticDigitsOptions = {},
  ): Promise<SyntheticDigits> {
    const op = "SyntheticDigits.load";
    checkOptions(op, options, ["train", "counts", "seed", "onProgress"]);
    const { train = true, counts = {}, seed, onProgress } = options;
    if (typeof train !== "boolean") fail(op, `train must be a boolean, got ${show(train)}`);
    checkOptions(op, counts, ["train", "test"]);
    const generator = (from: number) => new Generator(from);
    const made = synthesizeDigits(folder, { ...counts, seed, onProgress, generator });
    return new SyntheticDigits(train ? made.train : made.test);
  }
}
