// Some samples of a dataset, in an order of their own.
import { fail, show } from "@chainrule/core/internal";
import type { Collated } from "./collate.ts";
import { checkDataset, checkIndex, type Dataset } from "./dataset.ts";

/**
 * Sample `i` is sample `indices[i]` of another dataset.
 * @throws ChainruleError where an index is out of range of the dataset
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.Subset
 */
export class Subset<T> implements Dataset<T> {
  readonly dataset: Dataset<T>;
  readonly indices: Int32Array;
  /** Gathers at once where the dataset can. */
  readonly getBatch?: (indices: ArrayLike<number>) => Collated<Awaited<T>>;

  constructor(dataset: Dataset<T>, indices: ArrayLike<number>) {
    checkDataset("Subset", dataset);
    if (typeof (indices as ArrayLike<number> | null)?.length !== "number") {
      fail("Subset", `indices must be an array of whole numbers, got ${show(indices)}`);
    }
    this.dataset = dataset;
    this.indices = Int32Array.from(indices, (i) => checkIndex("Subset", i, dataset.length));
    if (dataset.getBatch === undefined) return;
    this.getBatch = (batch) => dataset.getBatch!(Array.from(batch, (i) => this.#original(i)));
  }

  get length(): number { return this.indices.length; }

  /** The sample at a position of the subset; negative ones count from the end. */
  get(index: number): T {
    return this.dataset.get(this.#original(index));
  }

  #original(index: number): number {
    return this.indices[checkIndex("Subset", index, this.length)]!;
  }
}
