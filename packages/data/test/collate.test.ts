// Cases of defaultCollate.
import { tensor, type Tensor } from "@chainrule/core";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { defaultCollate, type Collated } from "../src/collate.ts";

/** dtype, shape and values of a tensor. */
function facts(result: Tensor): unknown[] {
  return [result.dtype, result.shape, result.tolist()];
}

describe("defaultCollate", () => {
  test("stacks tensors along a new first dimension", () => {
    const row = fc.array(fc.float({ noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(fc.property(fc.array(row, { minLength: 1 }), (rows) => {
      const batch = defaultCollate(rows.map((values) => tensor(values)));
      expect(facts(batch)).toEqual(["float32", [rows.length, 3], rows]);
    }));
  });

  test("keeps the dtype of tensors", () => {
    for (const dtype of ["float32", "float64", "int32", "bool"] as const) {
      expect(defaultCollate([tensor([1], { dtype }), tensor([0], { dtype })]).dtype).toBe(dtype);
    }
  });

  test.each<[string, number[], string]>([
    ["integers become int32", [3, -1, 2 ** 31 - 1], "int32"],
    ["one fraction makes all of them float32", [1, 0.5], "float32"],
    ["integers beyond 32 bits become float32", [2 ** 31], "float32"],
    ["NaN and infinity become float32", [NaN, Infinity, 1], "float32"],
  ])("%s", (_, numbers, dtype) => {
    expect(facts(defaultCollate(numbers))).toEqual([dtype, [numbers.length], numbers]);
  });

  test("truth values become bool", () => {
    expect(facts(defaultCollate([true, false]))).toEqual(["bool", [2], [true, false]]);
  });

  test("typed arrays are rows of a tensor", () => {
    const batch = defaultCollate([Float64Array.of(1, 2), Float64Array.of(3, 4)]);
    expect(facts(batch)).toEqual(["float64", [2, 2], [[1, 2], [3, 4]]]);
  });

  test("strings stay a list", () => {
    expect(defaultCollate(["a", "b"])).toEqual(["a", "b"]);
  });

  test("lists and plain objects are collated field by field, to any depth", () => {
    const sample = (x: number) => ({ pair: [tensor([x]), x] as [Tensor, number], name: `n${x}` });
    const batch = defaultCollate([sample(1), sample(2)]);
    expectTypeOf(batch).toEqualTypeOf<{ pair: [Tensor, Tensor]; name: string[] }>();
    expect(facts(batch.pair[0])).toEqual(["float32", [2, 1], [[1], [2]]]);
    expect(facts(batch.pair[1])).toEqual(["int32", [2], [1, 2]]);
    expect(batch.name).toEqual(["n1", "n2"]);
  });

  test("fields that only later samples have are left out, as in PyTorch", () => {
    expect(Object.keys(defaultCollate<{ a: number }>([{ a: 1 }, { a: 1, b: 2 } as never])))
      .toEqual(["a"]);
  });

  test("the type of a batch follows the type of a sample", () => {
    expectTypeOf<Collated<[Tensor, number]>>().toEqualTypeOf<[Tensor, Tensor]>();
    expectTypeOf<Collated<readonly [Tensor, string]>>().toEqualTypeOf<[Tensor, string[]]>();
    expectTypeOf<Collated<number[]>>().toEqualTypeOf<Tensor[]>();
    expectTypeOf<Collated<boolean | number>>().toEqualTypeOf<Tensor>();
  });

  test.each<[string, unknown]>([
    ["stack expects each tensor to be equal size", [tensor([1]), tensor([1, 2])]],
    ["each element in list of batch should be of equal size: 2 at entry 0 and 1 at entry 1",
      [[1, 2], [1]]],
    ["batch must contain tensors, typed arrays, numbers, dicts or lists; found null", [null, 1]],
    ["batch must contain tensors, typed arrays, numbers, dicts or lists; found undefined",
      [{ a: undefined }]],
    ["batch must contain tensors, typed arrays, numbers, dicts or lists; found Date",
      [new Date(0)]],
    ["samples must be of one kind: a number at entry 0 and \"a\" at entry 1", [1, "a"]],
    ["samples must be of one kind: a tensor at entry 0 and 1 at entry 2",
      [tensor([1]), tensor([1]), 1]],
    ["no \"b\" at entry 1", [{ a: 1, b: 1 }, { a: 1 }]],
    ["expected a list of at least one sample", []],
    ["expected a list of at least one sample, got 3", 3],
  ])("refuses: %s", (message, samples) => {
    expect(() => defaultCollate(samples as never)).toThrow(message);
  });
});
