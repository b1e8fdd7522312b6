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
export async function loadDigits(folder: string | undefined): Promise<Digits> {
  const real = folder ?? process.env.MNIST_DIR;
  if (real !== undefined && real !== "") {
    console.log(`MNIST from ${real}`);
    const train = await MNIST.load(real);
    const test = await MNIST.load(real, { train: false });
    return { train, test, isReal: true };
  }
  const caches = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const cache = join(caches, "chainrule", "digits");
  mkdirSync(cache, { recursive: true });
  console.log(`digits drawn by SyntheticDigits, kept in ${cache}`);
  console.log("for the real MNIST, name the folder of its IDX files: --data FOLDER or MNIST_DIR");
  const onProgress = (done: number, total: number) => {
    if (process.stderr.isTTY) process.stderr.write(`\rdrawing ${done}/${total}\x1b[K`);
  };
  const train = await SyntheticDigits.load(cache, { onProgress });
  const test = await SyntheticDigits.load(cache, { train: false });
  return { train, test, isReal: false };
}
