// The four files of MNIST: names, sizes, digests, mirrors, and how they are read from a folder.
// download.ts fetches them; the data set made of them lives elsewhere.
import { fail, show } from "@chainrule/core/internal";
import { reason } from "./reason.ts";
import type { IdxArray } from "./idx/format.ts";
import { readIdxSync } from "./idx/read.ts";
import { builtin } from "./node.ts";

/** One file: its name without `.gz`, and the size and digest of its uncompressed bytes. */
export interface MnistFile {
  name: string;
  bytes: number;
  sha256: string;
}

/** The two parts of the data set. */
export type MnistSplit = "train" | "test";

/** Images and labels of both parts. */
export type MnistFileTable = Record<MnistSplit, { images: MnistFile; labels: MnistFile }>;

/** The files of MNIST; digests are of the uncompressed bytes, whatever compressed them. */
export const mnistFiles: MnistFileTable = {
  train: {
    images: {
      name: "train-images-idx3-ubyte",
      bytes: 47_040_016,
      sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    },
    labels: {
      name: "train-labels-idx1-ubyte",
      bytes: 60_008,
      sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
  },
  test: {
    images: {
      name: "t10k-images-idx3-ubyte",
      bytes: 7_840_016,
      sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    labels: {
      name: "t10k-labels-idx1-ubyte",
      bytes: 10_008,
      sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
  },
};

/** Where torchvision finds the files, the dependable one first. */
export const mnistMirrors: readonly string[] = [
  "https://ossci-datasets.s3.amazonaws.com/mnist/",
  "http://yann.lecun.com/exdb/mnist/",
];

/** Images `[N, height, width]` and labels `[N]`, both uint8. */
export interface MnistArrays {
  images: IdxArray;
  labels: IdxArray;
}

/** Refuses a folder name that is none. */
export function checkFolder(op: string, folder: unknown): asserts folder is string {
  if (typeof folder !== "string" || folder === "") {
    fail(op, `expected the path of a folder, got ${show(folder)}`);
  }
}

/** The path at which a folder holds a file, as it is or compressed; the former is preferred. */
export function findMnistFile(folder: string, file: MnistFile, op: string): string | undefined {
  const path = builtin("node:path", op).join(folder, file.name);
  const { existsSync } = builtin("node:fs", op);
  return [path, `${path}.gz`].find((candidate) => existsSync(candidate));
}

function folderContents(folder: string): string {
  let names: string[];
  try {
    names = builtin("node:fs", "loadMnistFiles").readdirSync(folder);
  } catch (error) {
    return `it cannot be read (${reason(error)})`;
  }
  if (names.length === 0) return "it is empty";
  return `it holds ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`;
}

function checkArrays(folder: string, { images, labels }: MnistArrays): void {
  const expectations = [
    { what: "images", array: images, rank: 3 },
    { what: "labels", array: labels, rank: 1 },
  ];
  for (const { what, array, rank } of expectations) {
    const { type, shape } = array;
    if (type === "uint8" && shape.length === rank) continue;
    const got = `${type} [${shape.join(", ")}]`;
    fail("loadMnistFiles", `${folder}: ${what} must be uint8 of rank ${rank}, got ${got}`);
  }
  const [count, labelled] = [images.shape[0], labels.shape[0]];
  if (count !== labelled) {
    fail("loadMnistFiles", `${folder}: ${count} images, but ${labelled} labels`);
  }
}

/**
 * The images and labels of one part from a folder that holds its files, compressed or not.
 * @throws ChainruleError that names each missing file, or what is wrong with one that is there
 */
export function loadMnistFiles(
  folder: string,
  split: MnistSplit,
  files: MnistFileTable = mnistFiles,
): MnistArrays {
  const op = "loadMnistFiles";
  checkFolder(op, folder);
  if (split !== "train" && split !== "test") {
    fail(op, `split must be "train" or "test", got ${show(split)}`);
  }
  const { images, labels } = files[split];
  const imagesPath = findMnistFile(folder, images, op);
  const labelsPath = findMnistFile(folder, labels, op);
  if (imagesPath === undefined || labelsPath === undefined) {
    const missing = [imagesPath ?? images, labelsPath ?? labels]
      .flatMap((file) => (typeof file === "string" ? [] : [file.name]))
      .map((name) => `${name} (or ${name}.gz)`);
    fail(op, `${folder} has no ${missing.join(" and no ")}; ${folderContents(folder)}`);
  }
  // torchvision, too, tolerates bytes after the labels.
  const labelArray = readIdxSync(labelsPath, { tolerateTrailing: true });
  const arrays = { images: readIdxSync(imagesPath), labels: labelArray };
  checkArrays(folder, arrays);
  return arrays;
}
