// The public names of @chainrule/data.

// datasets
export type { Dataset, IterableDataset } from "./dataset.ts";
export { TensorDataset } from "./tensor-dataset.ts";
export { Subset } from "./subset.ts";
export { ConcatDataset } from "./concat-dataset.ts";
export { randomSplit, type RandomSplitOptions } from "./random-split.ts";

// loading
export {
  SequentialSampler, RandomSampler, SubsetRandomSampler, WeightedRandomSampler, BatchSampler,
  type BatchSamplerOptions, type RandomSamplerOptions, type Sampler, type Sized,
  type SubsetRandomSamplerOptions, type WeightedRandomSamplerOptions,
} from "./samplers.ts";
export { defaultCollate, type Collated } from "./collate.ts";
export { DataLoader } from "./data-loader.ts";
export type { DataLoaderOptions } from "./loader-options.ts";
export {
  progress, type Postfix, type ProgressBar, type ProgressOptions, type ProgressStream,
} from "./progress.ts";

// digits
export { LabelledImages } from "./labelled-images.ts";
export { MNIST, digitClasses, type LoadMnistOptions, type MnistOptions } from "./mnist.ts";
export {
  loadMnistFiles, mnistFiles, mnistMirrors, type MnistArrays, type MnistFile, type MnistFileTable,
  type MnistSplit,
} from "./mnist-files.ts";
export {
  downloadMnist, type DownloadMnistOptions, type DownloadProgress,
} from "./download-mnist.ts";
export type { Fetch } from "./download.ts";
export { SyntheticDigits, type SyntheticDigitsOptions } from "./synthetic-digits.ts";
export {
  renderDigits, type Digits, type RenderDigitsOptions,
} from "./synthetic-digits/digits.ts";
export type { RandomSource } from "./synthetic-digits/skeleton.ts";

// IDX files
export { decodeIdx, encodeIdx, type DecodeIdxOptions } from "./idx/codec.ts";
export type { IdxArray, IdxData, IdxType } from "./idx/format.ts";
export { readIdx, readIdxSync, type IdxSource } from "./idx/read.ts";
export { writeIdx, writeIdxSync, type WriteIdxOptions } from "./idx/write.ts";
