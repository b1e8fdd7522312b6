// TensorFlow.js on its cpu or wasm backend; what a step makes is freed as its manual asks.
import { createRequire } from "node:module";
import { elementwiseShape, initialLayers, oneHot, sizeOf, trainingBatch, transposed, uniform }
  from "../data.js";

const require = createRequire(import.meta.url);

/** Loads the union package and selects `settings.backend`. */
export async function load({ backend }) {
  const tf = require("@tensorflow/tfjs");
  if (backend === "wasm") require("@tensorflow/tfjs-backend-wasm");
  if (!await tf.setBackend(backend)) throw new Error(`tfjs has no backend ${backend} here`);
  await tf.ready();
  return {
    versions: { tfjs: tf.version.tfjs },
    train: (spec) => train(tf, spec),
    matmul: (spec) => matmul(tf, spec),
    elementwise: (spec) => elementwise(tf, spec),
  };
}

const lossOf = (tf, name, y) => ({
  crossEntropy: (logits) => tf.losses.softmaxCrossEntropy(y, logits),
  bceWithLogits: (logits) => tf.losses.sigmoidCrossEntropy(y, logits),
  mse: (output) => tf.losses.meanSquaredError(y, output),
})[name];

function train(tf, spec) {
  const { sizes, batch, activation } = spec;
  const data = trainingBatch(spec);
  const classes = sizes.at(-1);
  const x = tf.tensor(data.x, [batch, sizes[0]]);
  const y = tf.tensor(data.labels ? oneHot(data.labels, classes) : data.targets, [batch, classes]);
  const layers = initialLayers(sizes).map(({ inputs, outputs, weight, bias }) => ({
    weight: tf.variable(tf.tensor(transposed(weight, outputs, inputs), [inputs, outputs])),
    bias: tf.variable(tf.tensor(bias, [outputs])),
  }));
  const lossFrom = lossOf(tf, spec.loss, y);
  const forward = () => lossFrom(layers.reduce((input, { weight, bias }, i) => {
    const output = tf.add(tf.matMul(input, weight), bias);
    if (i === layers.length - 1) return output;
    return activation === "tanh" ? tf.tanh(output) : tf.relu(output);
  }, x));
  const variables = layers.flatMap(({ weight, bias }) => [weight, bias]);
  const optimizer = spec.optimizer === "adam" ? tf.train.adam(spec.lr, 0.9, 0.999, 1e-8)
    : tf.train.sgd(spec.lr);
  let value = 0;
  const step = () => {
    const loss = optimizer.minimize(forward, true, variables);
    value = loss.dataSync()[0];
    loss.dispose();
  };
  const free = () => { optimizer.dispose(); tf.dispose([x, y, variables]); };
  return { step, value: () => value, free };
}

/** A case that keeps its last result and frees the one before. */
function keeping(tf, operands, compute) {
  let result;
  const step = () => { result?.dispose(); result = compute(); };
  return { step, value: () => result.dataSync()[0], free: () => tf.dispose([operands, result]) };
}

function matmul(tf, { a, b, transposeA, transposeB }) {
  const left = tf.tensor(uniform(sizeOf(a), 1), a);
  const right = tf.tensor(uniform(sizeOf(b), 2), b);
  return keeping(tf, [left, right], () => tf.matMul(left, right, transposeA, transposeB));
}

function elementwise(tf, spec) {
  if (spec.isInPlace) throw new Error("its tensors cannot be changed in place");
  const shape = elementwiseShape(spec);
  const x = tf.tensor(uniform(spec.n, 1, 2), shape);
  const y = tf.tensor(uniform(spec.n, 2, 2), shape);
  const compute = {
    add: () => tf.add(x, y),
    exp: () => tf.exp(x),
    tanh: () => tf.tanh(x),
    relu: () => tf.relu(x),
    sum: () => tf.sum(x),
    softmax: () => tf.softmax(x),
  }[spec.op];
  return keeping(tf, [x, y], compute);
}
