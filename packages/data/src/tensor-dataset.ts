// Tensors whose rows are the samples.
import { Tensor, tensor } from "@chainrule/core";
import { fail, show } from "@chainrule/core/internal";
import type { Collated } from "./collate.ts";
import { checkIndex, type Dataset } from "./dataset.ts";

/**
 * Sample `i` holds row `i` of every tensor; a batch is gathered by one `indexSelect` per tensor.
 * @throws ChainruleError unless all tensors have the same size in dimension 0
 * @example
 * ```ts
 * import { tensor } from "@chainrule/core";
 * import { TensorDataset } from "@chainrule/data";
 *
 * const dataset = new TensorDataset(tensor([[1, 2], [3, 4]]), tensor([0, 1]));
 * const [x, y] = dataset.get(1);
 * console.log(x.tolist(), y.item()); // [ 3, 4 ] 1
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.TensorDataset
 */
export class TensorDataset<Tensors extends Tensor[]> implements Dataset<Tensors> {
  readonly tensors: Tensors;
  readonly length: number;

  constructor(...tensors: Tensors) {
    if (tensors.length === 0) fail("TensorDataset", "expected at least one tensor, got none");
    for (const given of tensors) {
      if (!(given instanceof Tensor)) fail("TensorDataset", `expected tensors, got ${show(given)}`);
      if (given.ndim === 0) fail("TensorDataset", "a tensor with no dimensions has no rows");
    }
    const sizes = tensors.map((given) => given.shape[0]!);
    if (sizes.some((size) => size !== sizes[0])) {
      fail("TensorDataset", `Size mismatch between tensors: ${show(sizes)} rows`, { sizes });
    }
    this.tensors = tensors;
    this.length = sizes[0]!;
  }

  /** Views of row `index` of every tensor; negative indices count from the end. */
  get(index: number): Tensors {
    const row = checkIndex("TensorDataset", index, this.length);
    return this.tensors.map((rows) => rows.select(0, row)) as Tensors;
  }

  /** The rows at `indices` of every tensor, copied. */
  getBatch(indices: ArrayLike<number>): Collated<Awaited<Tensors>> {
    const rows = Int32Array.from(indices, (i) => checkIndex("TensorDataset", i, this.length));
    const index = tensor(rows);
    const batch: Tensor[] = this.tensors.map((given) => given.indexSelect(0, index));
    return batch as Collated<Awaited<Tensors>>;
  }
}
