// gradcheck passes right gradients, and names what is wrong with wrong ones.
import { describe, expect, it } from "vitest";
import {
  enableGrad, getRngState, gradcheck, gradgradcheck, isGradEnabled, manualSeed, noGrad, randn,
  tensor, zeros, type GradcheckOptions, type Tensor,
} from "../../src/index.ts";
import { fresh, pointwise, primitive, type Op } from "../../src/internal.ts";

type Unary = (input: Tensor) => Tensor;

manualSeed(0);
const double = (shape: number[]) => randn(shape, { dtype: "float64", requiresGrad: true });

/** `x²` with a gradient rule to be chosen. */
function square(gradient: (x: Tensor, grad: Tensor) => Tensor): Op<Unary> {
  return primitive<Unary, "input", null>({
    name: "square", inputs: ["input"],
    prepare: (input) => ({ inputs: [input], attributes: null }),
    forward: ([input]) => input.mul(input).detach(),
    gradients: (reads) => ({
      input: reads(["input"], ({ grad, input }) => gradient(input, grad)),
    }),
    samples: [],
  });
}

const both: GradcheckOptions[] = [{}, { fastMode: true }];

describe.each(both)("right gradients pass with %o", (options) => {
  it.each<[string, (...inputs: Tensor[]) => Tensor | Tensor[], Tensor[]]>([
    ["a primitive", (x) => square((input, grad) => grad.mul(input).mul(2))(x), [double([3])]],
    ["broadcasting", (x, y) => x.mul(y).exp(), [double([3, 1]), double([4])]],
    ["a matrix product", (x, y) => x.matmul(y), [double([2, 3]), double([3, 2])]],
    ["several outputs", (x, y) => [x.mul(y), y.exp()], [double([2]), double([2])]],
    ["a scalar", (x) => x.sin(), [double([])]],
    ["no elements", (x) => x.sin(), [double([0, 2])]],
    ["strided inputs", (x) => x.exp().sum(0), [noGrad(() => double([3, 2]).transpose(0, 1))
      .detach().requiresGrad_()]],
    ["an input that is not used", (x) => x.mul(2), [double([2]), double([3])]],
    ["an input that needs no gradient", (x, y) => x.mul(y),
      [double([2]), tensor([1, 2], { dtype: "float64" })]],
    ["an output that is an input", (x) => x, [double([2])]],
  ])("%s", (_, f, inputs) => {
    const before = inputs.map((input) => input.tolist());
    expect(gradcheck(f, inputs, options)).toBe(true);
    expect(gradgradcheck(f, inputs, options)).toBe(true);
    expect(inputs.map((input) => input.tolist())).toEqual(before);
    expect(inputs.every((input) => input.grad === null && input._version === 0)).toBe(true);
  });
});

describe.each(both)("wrong gradients fail with %o", (options) => {
  let calls = 0;
  const cases: [string, (x: Tensor) => Tensor, string][] = [
    ["a factor of 1.01", square((x, grad) => grad.mul(x).mul(2.02)), "Jacobian mismatch"],
    ["the opposite sign", square((x, grad) => grad.mul(x).mul(-2)), "Jacobian mismatch"],
    ["a missing term", pointwise<Unary, "input">({
      name: "cubed", inputs: ["input"], samples: [],
      expression: ({ input }) => input.mul(input).mul(input).add(input),
      gradients: { input: ({ grad, input }) => grad.mul(input).mul(input).mul(3) },
    }), "Jacobian mismatch"],
    ["no gradient at all", square((x) => fresh(x.shape, x.dtype)), "Jacobian mismatch"],
    ["an ignored gradOutput", square((x) => x.mul(2)), "backward not multiplied by gradOutput"],
    ["only the sign of gradOutput", square((x, grad) => grad.sign().mul(x).mul(2)),
      "backward not multiplied by gradOutput"],
    ["another result every time", square((x, grad) => grad.mul(x).mul(2 + ++calls * 1e-12)),
      "Backward is not reentrant"],
    ["a function that is not deterministic", (x) => x.mul(1 + ++calls * 1e-9),
      "the function is not deterministic"],
    ["an output cut from its input", (x) => x.detach().mul(2),
      "Numerical gradient for function expected to be zero"],
  ];
  it.each(cases)("%s", (_, f, message) => {
    expect(() => gradcheck(f, [double([3])], options)).toThrow(message);
    expect(gradcheck(f, [double([3])], { ...options, raiseException: false })).toBe(false);
  });

  it("in the second derivative only", () => {
    const f = square((x, grad) => grad.mul(x.detach()).mul(2));
    const x = double([3]);
    expect(gradcheck(f, [x], options)).toBe(true);
    expect(() => gradgradcheck(f, [x], options)).toThrow("gradgradcheck: Jacobian mismatch");
  });

  it("at a kink", () => {
    const x = zeros([1], { dtype: "float64", requiresGrad: true });
    expect(gradcheck((input) => input.relu(), [x], { ...options, raiseException: false }))
      .toBe(false);
  });
});

it("the report names output, input, elements, both values and the error", () => {
  const f = square((x, grad) => grad.mul(x).mul(tensor([[2, 2.2], [2, 2]], { dtype: "float64" })));
  const x = tensor([[1, 3], [5, 7]], { dtype: "float64", requiresGrad: true });
  const y = tensor([1, 2], { dtype: "float64" });
  let message = "";
  try {
    gradcheck((a, b) => [a.add(b), f(b)], [y, x]);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toMatch("Jacobian mismatch for output 1 with respect to input 1,");
  expect(message).toMatch(/numerical: (6|6\.0000\d*|5\.9999\d*)\nanalytical: 6\.6000/);
  expect(message).toMatch("at element [0, 1] of the output and [0, 1] of the input");
  expect(message).toMatch("1 of 16 entries differ, worst relative error 9.09e-2");
});

describe("unusable calls are refused", () => {
  const single = randn([2], { requiresGrad: true });
  const sin = (x: Tensor) => x.sin();
  it.each<[() => unknown, string]>([
    [() => gradcheck(sin, [double([2]).detach()]), "at least one input tensor to require gradient"],
    [() => gradcheck(sin, [single]), "Input #0 requires gradient and is not a double precision"],
    [() => gradcheck(sin, [double([1]).expand(3)]), "has a dimension with stride 0"],
    [() => gradcheck(sin, [double([2])], { tol: 1 } as object), "unknown option tol"],
    [() => gradcheck(() => 3 as unknown as Tensor, [double([2])]), "must return a tensor"],
    [() => gradcheck((x) => x.to("int32"), [double([2])]), "returns no tensor of floats"],
    [() => gradgradcheck((x) => x.detach(), [double([2])]), "no output of the function requires"],
    [() => gradcheck((async (x: Tensor) => x) as unknown as typeof sin, [double([2])]),
      "must return a tensor"],
  ])("%s", (call, message) => {
    expect(call).toThrow(message);
  });

  it("also when shapes change as inputs do", () => {
    const x = tensor([1], { dtype: "float64", requiresGrad: true });
    const f = (input: Tensor) => input.item() > 1 ? input.expand(2) : input;
    expect(() => gradcheck(f, [x])).toThrow("returns outputs of other shapes or dtypes");
    expect(x.tolist()).toEqual([1]);
  });
});

describe.each(both)("float32 is checked where tolerances are given, with %o", (options) => {
  // Extrapolated differences in float32: 1e-5 to 6e-5 of the largest gradient, by §2.9's table.
  const tolerance = { ...options, atol: 2e-4, rtol: 2e-4 };
  const x = randn([4], { requiresGrad: true });

  it.each<[string, (input: Tensor) => Tensor]>([
    ["tanh", (input) => input.tanh()],
    ["a softmax", (input) => input.softmax(0)],
    ["logsumexp", (input) => input.logsumexp(0)],
    ["a product", (input) => input.outer(input).exp().sum(0)],
  ])("%s passes", (_, f) => {
    const before = x.tolist();
    expect(gradcheck(f, [x], tolerance)).toBe(true);
    expect(gradgradcheck(f, [x], tolerance)).toBe(true);
    expect(x.tolist()).toEqual(before);
  });

  it("errors of 1 % and dropped terms are found", () => {
    for (const wrong of [
      square((input, grad) => grad.mul(input).mul(2.02)),
      square((input, grad) => grad.mul(input).mul(2).add(grad.mul(0.01))),
    ]) {
      expect(() => gradcheck(wrong, [x], tolerance)).toThrow("Jacobian mismatch");
      expect(gradcheck(wrong, [x], { ...tolerance, raiseException: false })).toBe(false);
    }
  });

  it.each<[string, (input: Tensor) => Tensor, GradcheckOptions]>([
    ["tolerances below what float32 can tell", (input) => input.exp().sum(),
      { atol: 1e-9, rtol: 1e-9 }],
    ["functions that change faster than the step", (input) => input.mul(60).sin(), {}],
  ])("%s are inconclusive, neither right nor wrong", (_, f, more) => {
    const at = tensor([0.3, 0.7, 1.1, 1.7], { requiresGrad: true });
    expect(() => gradcheck(f, [at], { ...tolerance, ...more }))
      .toThrow(/gradcheck: inconclusive: differences are too coarse to tell .*input 0/);
    expect(gradcheck(f, [at], { ...tolerance, ...more, raiseException: false })).toBe(null);
  });
});

it("errors of the function itself come through, and leave modes and inputs as they were", () => {
  const x = double([2]);
  const before = x.tolist();
  let calls = 0;
  const failing = (input: Tensor) => {
    if (++calls > 6) throw new RangeError("mine");
    return input.sin();
  };
  noGrad(() => {
    expect(() => gradcheck(failing, [x], { raiseException: false })).toThrow(RangeError);
    expect(isGradEnabled()).toBe(false);
    expect(gradcheck((input) => input.sin(), [x])).toBe(true);
    expect(isGradEnabled()).toBe(false);
  });
  enableGrad(() => expect(isGradEnabled()).toBe(true));
  expect(x.tolist()).toEqual(before);
});

it("the user's random stream is left alone", () => {
  const before = getRngState();
  gradgradcheck((x) => x.sin(), [tensor([1, 2], { dtype: "float64", requiresGrad: true })]);
  expect(getRngState()).toEqual(before);
});

it("a function may reach its inputs otherwise than by its arguments", () => {
  const weight = double([3]);
  expect(gradcheck(() => weight.exp(), [weight])).toBe(true);
});
