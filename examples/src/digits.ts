// Which digits to train on: a folder that was named, MNIST_DIR, or digits drawn here once.
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { MNIST, SyntheticDigits, type LabelledImages } from "@chainrule/data";

/** Both parts of a set of digits, and whether they are the real MNIST. */
export interface Digits {
  readonly train: LabelledImages;
  readonly test: LabelledImages;
  readonly isReal: boolean;
}

/** Loads the digits and says which. */
export function loadDigits(folder: string | undefined): Digits {
  const real = folder ?? process.env.MNIST_DIR;
  if (real !== undefined && real !== "") {
    console.log(`MNIST from ${real}`);
    const [train, test] = [true, false].map((isTrain) => MNIST.loadSync(real, { train: isTrain }));
    return { train: train!, test: test!, isReal: true };
  }
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "chainrule", "digits");
  mkdirSync(cache, { recursive: true });
  console.log(`digits drawn by SyntheticDigits, kept in ${cache}`);
  console.log("for the real MNIST name the folder of its four IDX files: --data FOLDER or MNIST_DIR");
  const [train, test] = [true, false].map((isTrain) => SyntheticDigits.load(cache, {
    train: isTrain,
    onProgress: (done, total) => {
      if (process.stderr.isTTY) process.stderr.write(`\rdrawing ${done}/${total}`);
    },
  }));
  return { train: train!, test: test!, isReal: false };
}
