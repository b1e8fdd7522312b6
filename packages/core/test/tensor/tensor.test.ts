// What a tensor says about where it lies, and that values which get out of it are copies.
import { describe, expect, it } from "vitest";
import { tensor } from "../../src/index.ts";

describe("the only device", () => {
  const x = tensor([1, 2]);

  it("is cpu, to which every tensor moves as it is", () => {
    expect(x.device).toBe("cpu");
    expect([x.cpu(), x.to("cpu")]).toEqual([x, x]);
    expect(x.cpu()).toBe(x);
    expect(x.to("cpu")).toBe(x);
  });

  it("has no other beside it", () => {
    expect(() => x.to("cuda" as never)).toThrow('to: expected a dtype or "cpu", got "cuda"');
  });
});

describe("values that get out", () => {
  it("are copies, in the order of the dimensions", () => {
    const x = tensor([[1, 2], [3, 4]]);
    const values = x.t().toTypedArray();
    expect([...values]).toEqual([1, 3, 2, 4]);
    values[0] = 100;
    (x.tolist() as number[][])[0][0] = 100;
    expect(x.tolist()).toEqual([[1, 2], [3, 4]]);
  });

  it("are one number only where there is one", () => {
    expect([tensor([[7]]).item(), tensor(true).item()]).toEqual([7, true]);
    expect(() => tensor([1, 2]).item()).toThrow("item: only one element tensors can be converted");
  });
});
