// MNIST as a dataset; its files are the business of mnist-files.ts and download-mnist.ts.
import { checkOptions, fail, show } from "@chainrule/core/internal";
import { downloadMnist, type DownloadProgress } from "./download-mnist.ts";
import { LabelledImages } from "./labelled-images.ts";
import { loadMnistFiles, type MnistArrays } from "./mnist-files.ts";

/** Names of the ten classes, as torchvision has them. */
export const digitClasses: readonly string[] = [
  "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
  "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine",
];

/** Options of `MNIST.loadSync`. */
export interface MnistOptions {
  /** The training part (60000 digits), else the test part (10000). Default `true`. */
  readonly train?: boolean;
}

/** Options of `MNIST.load`. */
export interface LoadMnistOptions extends MnistOptions {
  /** Fetch files that the folder lacks, and check those it has. Default `false`. */
  readonly download?: boolean;
  /** Called whenever bytes of a download arrive. */
  readonly onProgress?: (progress: DownloadProgress) => void;
}

function checkBoolean(op: string, name: string, value: unknown): void {
  if (typeof value !== "boolean") fail(op, `${name} must be a boolean, got ${show(value)}`);
}

/**
 * Handwritten digits: images `[1, 28, 28]` from 0 to 1, labels 0 to 9.
 *
 * `load` and `loadSync` read a folder (Node); the constructor takes arrays from `readIdx`, which
 * also reads addresses, in browsers too.
 * @see http://yann.lecun.com/exdb/mnist/
 * @see https://pytorch.org/vision/stable/generated/torchvision.datasets.MNIST.html
 */
export class MNIST extends LabelledImages {
  constructor({ images, labels }: MnistArrays) { super(images, labels, digitClasses); }

  /**
   * One part, from a folder that holds MNIST's files, compressed or not.
   * @throws ChainruleError for files that are missing or damaged, or cannot be downloaded
   */
  static async load(folder: string, options: LoadMnistOptions = {}): Promise<MNIST> {
    const op = "MNIST.load";
    checkOptions(op, options, ["train", "download", "onProgress"]);
    const { train = true, download = false, onProgress } = options;
    checkBoolean(op, "train", train);
    checkBoolean(op, "download", download);
    if (download) await downloadMnist(folder, { onProgress });
    return MNIST.loadSync(folder, { train });
  }

  /**
   * `load` without downloading.
   * @throws ChainruleError for files that are missing or damaged
   */
  static loadSync(folder: string, options: MnistOptions = {}): MNIST {
    checkOptions("MNIST.loadSync", options, ["train"]);
    const { train = true } = options;
    checkBoolean("MNIST.loadSync", "train", train);
    return new MNIST(loadMnistFiles(folder, train ? "train" : "test"));
  }
}
