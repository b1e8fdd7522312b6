import { test } from "vitest";
import { ones, randn, tensor, exp, manualSeed, backward, zeros } from "../src/index.ts";
import { theHeap } from "../src/storage/heap.ts";
import { withSimd } from "../src/wasm/features.ts";
test("x", () => {
  let x = ones([2], { requiresGrad: true });
  let y = x.mul(2);
  backward(y.mul(y).sum(), null, { inputs: [x, x] }); console.log("dup leaf", x.grad);
  x = ones([2], { requiresGrad: true });
  y = x.mul(2); y.retainGrad();
  backward(y.mul(y).sum(), null, { inputs: [y] }); console.log("retained", y.grad, x.grad);
  y = x.mul(2); let z = y.mul(y).sum();
  backward(z, null, { inputs: [y], retainGraph: true }); console.log(1, y.grad); backward(z); console.log(2, y.grad);
  y = x.mul(2); z = y.mul(y).sum(); backward(z, null, { inputs: [y,y] }); console.log("dup nonleaf", y.grad);
});
test("heap", () => {
  const heap = theHeap();
  const MB = 1 << 20;
  const small = randn([MB / 8]); // 0.5 MB
  // advance
  while (heap.head < 14.5 * MB) small.exp();
  const cached = small.mul(2);
  console.log(heap.head / MB, heap.size / MB, cached.storage.position / MB);
  const want = cached.add(1).toTypedArray();
  while (heap.head < 19 * MB) small.exp();
  const big = randn([2.5 * MB / 4]);
  big.exp();
  console.log(heap.head / MB, heap.size / MB);
  const got = cached.add(1).toTypedArray();
  console.log(want.slice(0, 4), got.slice(0, 4));
});
