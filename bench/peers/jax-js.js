// jax-js on its wasm device. A step is one jitted function, its fastest form; `ref` and passing
// hands over references as its manual asks.
import { readFileSync } from "node:fs";
import { elementwiseShape, initialLayers, oneHot, sizeOf, trainingBatch, transposed, uniform }
  from "../data.js";

/** Loads jax-js and starts its wasm backend. */
export async function load() {
  const jax = await import("@jax-js/jax");
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const manifest = new URL("../package.json", import.meta.resolve("@jax-js/jax"));
  const { version } = JSON.parse(readFileSync(manifest, "utf8"));
  return {
    versions: { "jax-js": version },
    train: (spec) => train(jax, spec),
    matmul: (spec) => matmul(jax, spec),
    elementwise: (spec) => elementwise(jax, spec),
  };
}

const arrayOf = (np, values, shape) => np.array(values).reshape(shape);

/** Loss of the perceptron `[w0, b0, w1, b1, …]`. */
function lossFunction({ numpy: np, nn }, { loss, activation, batch }) {
  const losses = {
    crossEntropy: (z, y) => nn.logSoftmax(z).mul(y).sum().mul(-1 / batch),
    bceWithLogits: (z, y) => nn.softplus(z.ref).sub(z.mul(y)).mean(),
    mse: (z, y) => np.square(z.sub(y)).mean(),
  };
  const activate = activation === "tanh" ? np.tanh : nn.relu;
  return (params, x, y) => {
    let h = x;
    for (let i = 0; i < params.length; i += 2) {
      h = np.matmul(h, params[i]).add(params[i + 1]);
      if (i + 2 < params.length) h = activate(h);
    }
    return losses[loss](h, y);
  };
}

/** The whole step as one function; Adam's bias corrections come in as two numbers. */
function stepFunction(jax, spec) {
  const { numpy: np, jit, valueAndGrad } = jax;
  const lossOf = lossFunction(jax, spec);
  const gradients = (params, x, y) => valueAndGrad(lossOf)(params.map((p) => p.ref), x, y);
  if (spec.optimizer === "sgd") {
    return jit((params, x, y) => {
      const [loss, grads] = gradients(params, x, y);
      return [loss, params.map((p, i) => p.sub(grads[i].mul(spec.lr)))];
    });
  }
  return jit((params, ms, vs, rate, root, x, y) => {
    const [loss, grads] = gradients(params, x, y);
    const m = ms.map((old, i) => old.mul(0.9).add(grads[i].ref.mul(0.1)));
    const v = vs.map((old, i) => old.mul(0.999).add(np.square(grads[i]).mul(0.001)));
    const next = params.map((p, i) => p.sub(
      m[i].ref.mul(rate.ref).div(np.sqrt(v[i].ref).mul(root.ref).add(1e-8))));
    rate.dispose();
    root.dispose();
    return [loss, next, m, v];
  });
}

function train(jax, spec) {
  const { numpy: np } = jax;
  const data = trainingBatch(spec);
  const classes = spec.sizes.at(-1);
  const x = arrayOf(np, data.x, [spec.batch, spec.sizes[0]]);
  const y = arrayOf(np, data.labels ? oneHot(data.labels, classes) : data.targets,
    [spec.batch, classes]);
  let params = initialLayers(spec.sizes).flatMap(({ inputs, outputs, weight, bias }) => [
    arrayOf(np, transposed(weight, outputs, inputs), [inputs, outputs]), np.array(bias)]);
  let m = params.map((p) => np.zeros(p.shape));
  let v = params.map((p) => np.zeros(p.shape));
  const update = stepFunction(jax, spec);
  let [value, t, loss] = [0, 0];
  const sgd = () => { [loss, params] = update(params, x.ref, y.ref); };
  const adam = () => {
    t++;
    const rate = np.array(spec.lr / (1 - 0.9 ** t));
    const root = np.array(1 / Math.sqrt(1 - 0.999 ** t));
    [loss, params, m, v] = update(params, m, v, rate, root, x.ref, y.ref);
  };
  const advance = spec.optimizer === "adam" ? adam : sgd;
  const step = () => { advance(); value = loss.item(); };
  const free = () => { for (const array of [x, y, ...params, ...m, ...v]) array.dispose(); };
  return { step, value: () => value, free };
}

/** A case whose results are waited for, since jax-js computes when somebody asks. */
function waiting(jax, operands, compute) {
  let result;
  const step = async () => {
    result?.dispose();
    result = compute();
    await jax.blockUntilReady(result);
  };
  const free = () => { for (const array of [...operands, result]) array?.dispose(); };
  return { step, value: () => result.ref.dataSync()[0], free, isAsync: true };
}

function matmul(jax, { a, b, transposeA, transposeB }) {
  const { numpy: np } = jax;
  const left = arrayOf(np, uniform(sizeOf(a), 1), a);
  const right = arrayOf(np, uniform(sizeOf(b), 2), b);
  const product = jax.jit((x, y) => np.matmul(
    transposeA ? np.matrixTranspose(x) : x, transposeB ? np.matrixTranspose(y) : y));
  return waiting(jax, [left, right], () => product(left.ref, right.ref));
}

function elementwise(jax, spec) {
  if (spec.isInPlace) throw new Error("its arrays cannot be changed in place");
  const { numpy: np, nn } = jax;
  const shape = elementwiseShape(spec);
  const x = arrayOf(np, uniform(spec.n, 1, 2), shape);
  const y = arrayOf(np, uniform(spec.n, 2, 2), shape);
  const op = jax.jit({
    add: (u, w) => u.add(w),
    exp: (u) => np.exp(u),
    tanh: (u) => np.tanh(u),
    relu: (u) => nn.relu(u),
    sum: (u) => np.sum(u),
    softmax: (u) => nn.softmax(u, -1),
  }[spec.op]);
  const compute = spec.op === "add" ? () => op(x.ref, y.ref) : () => op(x.ref);
  return waiting(jax, [x, y], compute);
}
