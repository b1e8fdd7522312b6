// From a list of samples to one batch with a new first dimension.
import { stack, Tensor, tensor } from "@chainrule/core";
import { fail, show } from "@chainrule/core/internal";

/** What `defaultCollate` makes of samples of type `T`. */
export type Collated<T> =
  T extends Tensor | number | boolean | ArrayBufferView ? Tensor
  : T extends string ? string[]
  : T extends object ? { -readonly [Key in keyof T]: Collated<T[Key]> }
  : never;

type Fields = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Refuses a sample that is not of the first one's kind. */
function checkAll(
  samples: readonly unknown[], kind: string, is: (value: unknown) => boolean,
): void {
  const wrong = samples.findIndex((sample) => !is(sample));
  if (wrong < 0) return;
  fail("defaultCollate", `samples must be of one kind: ${kind} at entry 0 and ` +
    `${show(samples[wrong])} at entry ${wrong}`, { entry: wrong });
}

function isArrayView(value: unknown): value is ArrayBufferView {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function collateNumbers(numbers: readonly number[]): Tensor {
  const dtype = numbers.every((value) => (value | 0) === value) ? "int32" : "float32";
  return tensor(numbers, { dtype });
}

function collateLists(lists: readonly (readonly unknown[])[]): unknown[] {
  const { length } = lists[0]!;
  const wrong = lists.findIndex((list) => list.length !== length);
  if (wrong >= 0) {
    fail("defaultCollate", "each element in list of batch should be of equal size: " +
      `${length} at entry 0 and ${lists[wrong]!.length} at entry ${wrong}`, { entry: wrong });
  }
  return Array.from({ length }, (_, i) => collate(lists.map((list) => list[i])));
}

function collateRecords(records: readonly Fields[]): Fields {
  const keys = Object.keys(records[0]!);
  const entries = keys.map((key) => {
    const wrong = records.findIndex((record) => !Object.hasOwn(record, key));
    if (wrong >= 0) fail("defaultCollate", `no ${show(key)} at entry ${wrong}`, { key });
    return [key, collate(records.map((record) => record[key]))] as const;
  });
  return Object.fromEntries(entries);
}

function collate(samples: readonly unknown[]): unknown {
  const first = samples[0];
  if (first instanceof Tensor) {
    checkAll(samples, "a tensor", (value) => value instanceof Tensor);
    return stack(samples as Tensor[]);
  }
  if (isArrayView(first)) {
    checkAll(samples, show(first), isArrayView);
    return stack(samples.map((values) => tensor(values as ArrayBufferView)));
  }
  if (Array.isArray(first)) {
    checkAll(samples, "a list", Array.isArray);
    return collateLists(samples as unknown[][]);
  }
  if (isRecord(first)) {
    checkAll(samples, "a dict", isRecord);
    return collateRecords(samples as Fields[]);
  }
  const kind = typeof first;
  if (kind !== "number" && kind !== "boolean" && kind !== "string") {
    const allowed = "tensors, typed arrays, numbers, dicts or lists";
    fail("defaultCollate", `batch must contain ${allowed}; found ${show(first)}`);
  }
  checkAll(samples, `a ${kind}`, (value) => typeof value === kind);
  if (kind === "number") return collateNumbers(samples as number[]);
  return kind === "string" ? [...samples] : tensor(samples as boolean[]);
}

/**
 * Batches samples: tensors are stacked, numbers and truth values become a tensor, strings a list;
 * lists and plain objects are collated field by field.
 *
 * Numbers give int32 if all of this batch are 32-bit integers, else float32; where the dtype must
 * not depend on the values, samples hold tensors.
 * @throws ChainruleError for samples of different kinds or lengths, or of a kind that has no batch
 * @example
 * ```ts
 * import { defaultCollate } from "@chainrule/data";
 *
 * const { x, label } = defaultCollate([{ x: 0.5, label: "a" }, { x: 1, label: "b" }]);
 * console.log(x.tolist(), label); // [ 0.5, 1 ] [ 'a', 'b' ]
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.default_collate
 */
export function defaultCollate<T>(samples: readonly T[]): Collated<T> {
  if (!Array.isArray(samples) || samples.length === 0) {
    fail("defaultCollate", `expected a list of at least one sample, got ${show(samples)}`);
  }
  return collate(samples) as Collated<T>;
}
