// js-pytorch on its cpu device: nested arrays of numbers; it brings ReLU, Adam and cross entropy.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { elementwiseShape, initialLayers, sizeOf, trainingBatch, transposed, uniform }
  from "../data.js";

const require = createRequire(import.meta.url);

/** Loads js-pytorch. */
export async function load() {
  const { torch } = await import("js-pytorch");
  const manifest = join(dirname(require.resolve("js-pytorch")), "../package.json");
  return {
    versions: { "js-pytorch": require(manifest).version },
    train: (spec) => train(torch, spec),
    matmul: (spec) => matmul(torch, spec),
    elementwise: (spec) => elementwise(torch, spec),
  };
}

/** A flat array as nested ones. */
function nested(values, shape) {
  if (shape.length === 1) return Array.from(values);
  const rowSize = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) =>
    nested(values.subarray(i * rowSize, (i + 1) * rowSize), shape.slice(1)));
}

function firstNumber(data) {
  while (Array.isArray(data)) data = data[0];
  return data;
}

function train(torch, spec) {
  if (spec.activation === "tanh") throw new Error("js-pytorch has no tanh");
  const data = trainingBatch(spec);
  const x = torch.tensor(nested(data.x, [spec.batch, spec.sizes[0]]));
  const y = torch.tensor(Array.from(data.labels));
  const layers = initialLayers(spec.sizes).map(({ inputs, outputs, weight, bias }) => {
    const layer = new torch.nn.Linear(inputs, outputs);
    layer.W._data = nested(transposed(weight, outputs, inputs), [inputs, outputs]);
    layer.b._data = nested(bias, layer.b.shape);
    return layer;
  });
  const relu = new torch.nn.ReLU();
  const criterion = new torch.nn.CrossEntropyLoss();
  const parameters = layers.flatMap((layer) => layer.parameters());
  const optimizer = new torch.optim.Adam(parameters, spec.lr, 0, [0.9, 0.999], 1e-8);
  let value = 0;
  const step = () => {
    const logits = layers.reduce((h, layer, i) =>
      layer.forward(i === 0 ? h : relu.forward(h)), x);
    const loss = criterion.forward(logits, y);
    loss.backward();
    optimizer.step();
    optimizer.zero_grad();
    value = firstNumber(loss.data);
  };
  return { step, value: () => value };
}

function matmul(torch, { a, b, transposeA, transposeB }) {
  const left = torch.tensor(nested(uniform(sizeOf(a), 1), a));
  const right = torch.tensor(nested(uniform(sizeOf(b), 2), b));
  const turned = (x, isTurned) => (isTurned ? torch.transpose(x, -2, -1) : x);
  let result;
  const step = () => {
    result = torch.matmul(turned(left, transposeA), turned(right, transposeB));
  };
  return { step, value: () => firstNumber(result.data) };
}

function elementwise(torch, spec) {
  if (spec.isInPlace) throw new Error("it has no operations in place");
  if (spec.op === "tanh") throw new Error("js-pytorch has no tanh");
  const shape = elementwiseShape(spec);
  const x = torch.tensor(nested(uniform(spec.n, 1, 2), shape));
  const y = torch.tensor(nested(uniform(spec.n, 2, 2), shape));
  const [relu, softmax] = [new torch.nn.ReLU(), new torch.nn.Softmax()];
  let result;
  const step = {
    add: () => { result = torch.add(x, y); },
    exp: () => { result = torch.exp(x); },
    relu: () => { result = relu.forward(x); },
    sum: () => { result = x.sum(); },
    softmax: () => { result = softmax.forward(x, -1); },
  }[spec.op];
  return { step, value: () => firstNumber(result.data) };
}
