// Datasets one after the other.
import { fail, show } from "@chainrule/core/internal";
import { checkDataset, checkIndex, type Dataset } from "./dataset.ts";

/**
 * The samples of several datasets, in order.
 * @throws ChainruleError unless there is at least one dataset, all of them with `length` and `get`
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.ConcatDataset
 */
export class ConcatDataset<T> implements Dataset<T> {
  readonly datasets: readonly Dataset<T>[];
  /** Number of samples up to and including each dataset. */
  readonly cumulativeSizes: readonly number[];

  constructor(datasets: readonly Dataset<T>[]) {
    if (!Array.isArray(datasets)) {
      fail("ConcatDataset", `expected an array of datasets, got ${show(datasets)}`);
    }
    if (datasets.length === 0) fail("ConcatDataset", "datasets should not be an empty iterable");
    for (const dataset of datasets) checkDataset("ConcatDataset", dataset);
    let total = 0;
    this.datasets = [...datasets];
    this.cumulativeSizes = datasets.map(({ length }: Dataset<T>) => (total += length));
  }

  get length(): number { return this.cumulativeSizes.at(-1)!; }

  /** The sample at a position of the whole; negative ones count from the end. */
  get(index: number): T {
    const position = checkIndex("ConcatDataset", index, this.length);
    const which = this.cumulativeSizes.findIndex((size) => position < size);
    const before = which === 0 ? 0 : this.cumulativeSizes[which - 1]!;
    return this.datasets[which]!.get(position - before);
  }
}
