// Sums of products in Einstein's notation, as permutations, matrix products and sums.
import { fail, show } from "../errors.ts";
import { numel } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul } from "./binary.ts";
import { diagonal } from "./diagonal.ts";
import { parseEquation } from "./equation.ts";
import { matmul } from "./matmul.ts";
import { oneDtype } from "./one-dtype.ts";
import { composite, type Op } from "./op.ts";
import { sum } from "./reduction.ts";
import { real } from "./sample.ts";
import { permute, reshape } from "./view.ts";

/** A tensor whose dimensions have names, all different. */
interface Labelled { readonly tensor: Tensor; readonly labels: readonly string[] }

/**
 * Sum of products by labels of dimensions: `einsum("ij,jk->ik", a, b)` is a matrix product.
 *
 * Labels that are missing in the result are summed over; one that is repeated within an operand
 * takes the diagonal; `...` stands for any dimensions, which broadcast. Without `->` the result
 * has the labels that appear once, in alphabetical order. Operands are contracted left to right.
 * @throws when the equation does not fit the operands
 * @see https://pytorch.org/docs/stable/generated/torch.einsum.html
 */
export const einsum: Op<(equation: string, ...operands: Tensor[]) => Tensor> = composite({
  name: "einsum",
  call(equation: string, ...operands: Tensor[]) {
    if (typeof equation !== "string") {
      fail("einsum", `the equation must be a string such as "ij,jk->ik", got ${show(equation)}`);
    }
    if (operands.length === 0) fail("einsum", "must provide at least one operand");
    oneDtype("einsum", Object.fromEntries(operands.map((tensor, i) => [`operand ${i}`, tensor])));
    const { operands: labels, output } = parseEquation(equation, operands.map((x) => x.ndim));
    const sizes = labelSizes(labels, operands);
    const terms = operands.map((tensor, i) => distinctLabels({ tensor, labels: labels[i] }, sizes));
    const result = terms.reduce((left, right, i) =>
      contract(left, right, new Set([output, ...labels.slice(i + 1)].flat())));
    return arrange(sumOthers(result, new Set(output)), output).tensor;
  },
  samples: [
    ["ij,jk->ik", real([2, 3]), real([3, 4])], ["ij->ji", real([2, 3])], ["ii", real([3, 3])],
    ["ij->", real([2, 3])], ["i,j->ij", real([2]), real([3])], ["iij->ij", real([2, 2, 3])],
    ["ij,ij->i", real([2, 3]), real([2, 3])], ["ij,j", real([2, 3]), real([3])],
    ["bij,bjk->bik", real([2, 3, 2]), real([2, 2, 3])], ["...i->...", real([2, 3, 4])],
    ["ab,cb->", real([2, 3]), real([4, 3])], ["ij,jk->ik", real([2, 1]), real([3, 2])],
    ["...ij,...jk", real([2, 1, 2, 3]), real([3, 3, 2])],
    ["ij,jk,kl->il", real([2, 3]), real([3, 2]), real([2, 2])],
  ],
  rejects: [
    { args: ["ij,jk->ik", real([2, 3]), real([4, 5])], message: "subscript j has size 4 for " +
      "operand 1 which does not broadcast with previously seen size 3" },
    { args: ["ij,jk", real([2, 3])], message: "fewer operands were provided than specified" },
    { args: ["ij->k", real([2, 3])], message: "output subscript k does not appear" },
    { args: ["ijk", real([2, 3])], message: "the number of subscripts in the equation (3) does " +
      "not match the number of dimensions (2) for operand 0 and no ellipsis was given" },
  ],
});

/** The size that each label broadcasts to. */
function labelSizes(
  labels: readonly (readonly string[])[], operands: readonly Tensor[],
): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  labels.forEach((own, operand) => {
    const { shape } = operands[operand];
    own.forEach((label, dim) => {
      const first = own.indexOf(label);
      if (shape[first] !== shape[dim]) {
        fail("einsum", `subscript ${label} is repeated for operand ${operand} but the sizes ` +
          `don't match, ${shape[dim]} != ${shape[first]}`);
      }
      const seen = sizes.get(label) ?? 1;
      if (seen !== 1 && shape[dim] !== 1 && seen !== shape[dim]) {
        fail("einsum", `subscript ${label} has size ${shape[dim]} for operand ${operand} which ` +
          `does not broadcast with previously seen size ${seen}`);
      }
      if (shape[dim] !== 1) sizes.set(label, shape[dim]);
    });
  });
  return sizes;
}

/** Diagonals of repeated labels; dimensions of size 1 that broadcast are dropped. */
function distinctLabels(
  { tensor, labels }: Labelled, sizes: ReadonlyMap<string, number>,
): Labelled {
  const dim2 = labels.findIndex((label, dim) => labels.indexOf(label) < dim);
  if (dim2 >= 0) {
    const dim1 = labels.indexOf(labels[dim2]);
    return distinctLabels({
      tensor: diagonal(tensor, { dim1, dim2 }),
      labels: [...labels.filter((_, dim) => dim !== dim1 && dim !== dim2), labels[dim2]],
    }, sizes);
  }
  const stays = labels.map((label, dim) => tensor.shape[dim] === (sizes.get(label) ?? 1));
  if (stays.every(Boolean)) return { tensor, labels };
  return {
    tensor: reshape(tensor, tensor.shape.filter((_, dim) => stays[dim])),
    labels: labels.filter((_, dim) => stays[dim]),
  };
}

/** Sums over all dimensions but those of `kept`. */
function sumOthers({ tensor, labels }: Labelled, kept: ReadonlySet<string>): Labelled {
  const dims = labels.map((_, dim) => dim).filter((dim) => !kept.has(labels[dim]));
  if (dims.length === 0) return { tensor, labels };
  return { tensor: sum(tensor, dims), labels: labels.filter((label) => kept.has(label)) };
}

/** The dimensions in the order of `order`, which names each of them. */
function arrange({ tensor, labels }: Labelled, order: readonly string[]): Labelled {
  const dims = order.map((label) => labels.indexOf(label));
  if (dims.every((dim, i) => dim === i)) return { tensor, labels };
  return { tensor: permute(tensor, dims), labels: order };
}

/** Product of two operands, summed over the labels that are not in `kept`. */
function contract(first: Labelled, second: Labelled, kept: ReadonlySet<string>): Labelled {
  const left = sumOthers(first, new Set([...kept, ...second.labels]));
  const right = sumOthers(second, new Set([...kept, ...first.labels]));
  const shared = left.labels.filter((label) => right.labels.includes(label));
  const batch = shared.filter((label) => kept.has(label));
  const summed = shared.filter((label) => !kept.has(label));
  const rows = left.labels.filter((label) => !shared.includes(label));
  const columns = right.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...rows, ...columns];
  const sizes = (names: readonly string[]) => names.map((label) =>
    left.tensor.shape[left.labels.indexOf(label)] ??
    right.tensor.shape[right.labels.indexOf(label)]);
  const a = arrange(left, [...batch, ...rows, ...summed]).tensor;
  const b = arrange(right, [...batch, ...summed, ...columns]).tensor;
  if (summed.length === 0) {
    const spread = reshape(a, [...sizes(batch), ...sizes(rows), ...columns.map(() => 1)]);
    const other = reshape(b, [...sizes(batch), ...rows.map(() => 1), ...sizes(columns)]);
    return { tensor: mul(spread, other), labels };
  }
  const [m, k, n] = [rows, summed, columns].map((names) => numel(sizes(names)));
  const batches = batch.length === 0 ? [] : [numel(sizes(batch))];
  const product = matmul(reshape(a, [...batches, m, k]), reshape(b, [...batches, k, n]));
  return { tensor: reshape(product, sizes(labels)), labels };
}
