// `backward`: roots, accumulation, graphs gone through twice. Named after PyTorch's own tests.
import { describe, expect, it } from "vitest";
import { backward, grad, ones, tensor, zeros } from "../../src/index.ts";
import { demandGrad, demandSame, leaf, uniform } from "./drawn.ts";

describe("backward", () => {
  it("gives the gradients of every leaf (test_backward)", () => {
    const [x, y, z] = [leaf([5, 5], 1), uniform([5, 5], 2).abs().add(0.5).requiresGrad_(),
      leaf([5, 5], 3)];
    const gradient = uniform([5, 5], 4);
    const [vx, vy, vz] = [x.detach(), y.detach(), z.detach()];
    x.add(y.mul(z)).add(z.pow(2).mul(4).mul(x).mul(y.pow(-1))).backward(gradient);
    const z2 = vz.mul(vz).mul(4);
    demandGrad(x.grad, z2.mul(vy.pow(-1)).add(1).mul(gradient));
    demandGrad(y.grad, vz.add(z2.mul(vx).mul(vy.pow(-2)).neg()).mul(gradient));
    demandGrad(z.grad, vy.add(vz.mul(8).mul(vx).mul(vy.pow(-1))).mul(gradient));
  });

  it("of a leaf stores the gradient itself, as a copy (test_backward)", () => {
    const x = leaf([3], 1);
    const gradient = uniform([3], 2);
    x.backward(gradient);
    demandSame("grad", x.grad!, gradient);
    expect(x.grad).not.toBe(gradient);
    expect(x.grad!.storage).not.toBe(gradient.storage);
  });

  it("never lets one consumer change a gradient that others share (test_backward_copy)", () => {
    const [x, y] = [ones([5, 5], { requiresGrad: true }), ones([5, 5], { requiresGrad: true })];
    let [a, b, c] = [x.add(2), y.add(2), x.add(2)];
    const short = a.add(b).add(c);
    for (let i = 0; i < 4; i++) [a, b, c] = [a.mul(2), b.mul(2), c.mul(2)];
    short.add(a.add(b).add(c)).backward(ones([5, 5]));
    // x: 2⁴ through each of a and c, and 1 through each of them in the short branch
    expect(x.grad!.tolist()).toEqual(ones([5, 5]).mul(34).tolist());
    expect(y.grad!.tolist()).toEqual(ones([5, 5]).mul(17).tolist());
  });

  it("accumulates in place, so that references to grad stay valid (test_accumulate_grad)", () => {
    const x = leaf([5, 5], 1);
    const run = () => x.mul(x).add(x).backward(ones([5, 5], { dtype: "float64" }));
    run();
    const first = x.grad!;
    const before = first.clone();
    run();
    expect(x.grad).toBe(first);
    demandGrad(first, before.mul(2));
  });

  it("with createGraph accumulates into a new tensor (test_accumulate_grad)", () => {
    const x = leaf([5, 5], 1);
    const y = x.mul(x).add(x);
    const gradient = ones([5, 5], { dtype: "float64" });
    y.backward(gradient, { retainGraph: true });
    const first = x.grad!;
    const before = first.clone();
    y.backward(gradient, { createGraph: true });
    expect(x.grad).not.toBe(first);
    demandSame("the first gradient", first, before);
    demandGrad(x.grad, before.mul(2));
    expect(x.grad!.requiresGrad).toBe(true);
  });

  it("sums over broadcast dims of size 0 (test_accumulate_grad_with_zero_numel_grad)", () => {
    const [a, b] = [zeros([4, 0], { requiresGrad: true }), zeros([4, 1], { requiresGrad: true })];
    const c = a.add(b);
    expect(c.shape).toEqual([4, 0]);
    c.sum().backward();
    expect(b.grad!.tolist()).toEqual([[0], [0], [0], [0]]);
    expect(a.grad!.shape).toEqual([4, 0]);
  });

  it("adds what comes through roots that depend on roots (test_dependent_backward)", () => {
    const x = leaf([10], 1);
    const y = x.pow(2);
    const z = y.pow(3);
    const [gy, gz] = [uniform([10], 2), uniform([10], 3)];
    backward([y, z], [gy, gz]);
    const v = x.detach();
    demandGrad(x.grad, v.mul(2).mul(gy).add(v.pow(5).mul(6).mul(gz)));
  });

  it("counts a root as often as it is named (test_duplicate_backward_root)", () => {
    const [a, b] = [leaf([5, 5], 1), leaf([5, 5], 2)];
    const x = a.mul(b);
    const gradient = uniform([5, 5], 3);
    backward([x, x], [gradient, gradient]);
    demandGrad(a.grad, b.mul(gradient).mul(2));
    demandGrad(b.grad, a.mul(gradient).mul(2));
  });

  it("adds over roots that share an input (test_multi_backward)", () => {
    const [x, y, q] = [leaf([5, 5], 1), leaf([5, 5], 2), leaf([5, 5], 3)];
    const [a, b] = [leaf([5, 5], 4), leaf([5, 5], 5)];
    const [gz, gc] = [uniform([5, 5], 6), uniform([5, 5], 7)];
    const q2 = q.mul(2);
    backward([x.add(y).add(q2), a.mul(b).add(q2)], [gz, gc]);
    demandGrad(x.grad, gz);
    demandGrad(y.grad, gz);
    demandGrad(a.grad, gc.mul(b));
    demandGrad(b.grad, gc.mul(a));
    demandGrad(q.grad, gc.add(gz).mul(2));
  });

  it("twice needs what was saved (test_backward_twice_with_saved_values)", () => {
    const x = leaf([3], 1);
    const y = x.mul(x);
    y.backward(ones([3], { dtype: "float64" }));
    const before = x.grad!.clone();
    expect(() => y.backward(ones([3], { dtype: "float64" }))).toThrow(
      "backward: Trying to backward through the graph a second time (or directly access saved " +
      "tensors after they have already been freed). Saved intermediate values of the graph, here " +
      "those of mul, are freed when you call .backward() or autograd.grad(). Specify " +
      "retainGraph: true if you need to backward through the graph a second time or if you need " +
      "to access saved tensors after calling backward.");
    demandSame("grad after the refusal", x.grad!, before);
  });

  it("twice succeeds with retainGraph (test_backward_twice_retained_graph…)", () => {
    const x = leaf([3], 1);
    const y = x.mul(x);
    y.backward(ones([3], { dtype: "float64" }), { retainGraph: true });
    const first = x.grad!.clone();
    y.backward(ones([3], { dtype: "float64" }));
    demandGrad(x.grad, first.mul(2));
  });

  it("of a scalar takes its options alone", () => {
    const x = leaf([3], 1);
    const y = x.mul(x).sum();
    y.backward({ retainGraph: true });
    y.backward();
    demandGrad(x.grad, x.detach().mul(4));
    expect(() => y.backward({ retain_graph: true } as never)).toThrow(
      "backward: unknown option retain_graph; there is retainGraph, createGraph, inputs");
    expect(() => grad(y, x, { create_graph: true } as never)).toThrow(
      "grad: unknown option create_graph");
    expect(() => y.backward([1] as never)).toThrow("gradients must be tensors");
  });

  it("twice succeeds where nothing was saved (test_backward_twice_without_saved_values)", () => {
    const x = leaf([3], 1);
    const y = x.add(1);
    y.backward(ones([3], { dtype: "float64" }));
    y.backward(ones([3], { dtype: "float64" }));
    expect(x.grad!.tolist()).toEqual([2, 2, 2]);
  });

  it("leaves zeros where only one of several outputs is used (test_unused_output)", () => {
    const x = leaf([10, 10], 1);
    const part = x.chunk(5)[2];
    const gradient = uniform([2, 10], 2);
    part.backward(gradient);
    const expected = zeros([10, 10], { dtype: "float64" });
    expected.narrow(0, 4, 2).add_(gradient);
    demandSame("grad", x.grad!, expected);
  });

  it("with inputs accumulates there only (test_backward_with_inputs)", () => {
    const [x, y] = [leaf([2, 2], 1), leaf([2, 2], 2)];
    const f = () => x.pow(2).add(y.mul(x)).add(y.pow(2)).sum();
    const [gx, gy] = grad(f(), [x, y]);
    f().backward(null, { inputs: x });
    demandGrad(x.grad, gx);
    expect(y.grad).toBeNull();
    f().backward(null, { inputs: [x, y] });
    demandGrad(x.grad, gx.mul(2));
    demandGrad(y.grad, gy);
    expect(() => f().backward(null, { inputs: [] }))
      .toThrow("backward: 'inputs' argument to backward() cannot be empty.");
  });

  it("with inputs that were computed keeps their grad (test_backward_with_nonleaf_inputs)", () => {
    const x = leaf([2, 2], 1);
    const y = leaf([2, 2], 2);
    const inner = x.mul(1);
    const unused = leaf([], 3).mul(2);
    const f = inner.pow(2).add(y.mul(inner));
    f.sum().backward(null, { inputs: [inner, y, unused] });
    demandGrad(inner.grad, inner.mul(2).add(y));
    demandGrad(y.grad, x);
    expect(x.grad).toBeNull();
    expect(unused.gradient).toBeNull();
  });

  it("with inputs named twice, or retained before, adds each gradient once", () => {
    const x = leaf([2], 1);
    const inner = x.mul(2);
    inner.retainGrad();
    const f = () => inner.pow(2).sum();
    f().backward(null, { inputs: [inner, inner, x, x] });
    demandGrad(inner.grad, inner.mul(2));
    demandGrad(x.grad, x.mul(8));
  });

  it("with inputs that were computed keeps their grad from then on, as PyTorch does", () => {
    const inner = leaf([2], 1).mul(2);
    inner.sum().backward(null, { inputs: inner, retainGraph: true });
    expect(inner.retainsGrad).toBe(true);
    inner.sum().backward();
    demandGrad(inner.grad, ones([2], { dtype: "float64" }).mul(2));
  });

  it("refuses bad calls (test_backward_badcalls, test_grad_badcalls)", () => {
    const x = leaf([3], 1);
    expect(() => ones([]).backward())
      .toThrow("element 0 of tensors does not require grad and does not have a gradFn");
    expect(() => x.mul(2).backward())
      .toThrow("grad can be implicitly created only for scalar outputs");
    expect(() => zeros([0], { requiresGrad: true }).mul(2).backward())
      .toThrow("grad can be implicitly created only for scalar outputs");
    expect(() => x.mul(2).backward(ones([2], { dtype: "float64" }))).toThrow(
      "Mismatch in shape: grad_output[0] has a shape of [2] and output[0] has a shape of [3].");
    expect(() => x.mul(2).backward(ones([3, 1], { dtype: "float64" })))
      .toThrow("Mismatch in shape");
    expect(() => x.mul(2).backward(ones([3]))).toThrow("gradient 0 has dtype float32");
    expect(() => backward([x.sum(), x.sum()], [null])).toThrow("got 2 tensors and 1 gradients");
    expect(x.grad).toBeNull();
  });

  it("creates the gradient of single elements of any rank", () => {
    for (const shape of [[], [1], [1, 1]]) {
      const x = leaf(shape, 1);
      x.mul(3).backward();
      expect(x.grad!.shape).toEqual(shape);
      expect(x.grad!.item()).toBe(3);
    }
  });

  it("accepts cotangents with stride 0 (test_select_expanded_v)", () => {
    const x = leaf([4, 5], 1);
    const gradient = tensor([2], { dtype: "float64" }).expand(4, 5);
    x.mul(x).backward(gradient);
    demandGrad(x.grad, x.mul(4));
  });
});
