// chainrule as built in packages/*/dist, used as its users do: eager, nothing freed.
import { elementwiseShape, initialLayers, sizeOf, trainingBatch, uniform } from "../data.js";

const built = (name) => import(new URL(`../../packages/${name}/dist/index.js`, import.meta.url));

function apply(core, settings) {
  if (settings.threads !== undefined) {
    if (core.setNumThreads === undefined) throw new Error("this build has no setNumThreads");
    core.setNumThreads(settings.threads);
  }
  if (settings.blas) {
    if (core.useBlas === undefined) throw new Error("this build has no useBlas");
    const isUsed = core.useBlas();
    if (isUsed === false) throw new Error("no BLAS can be used on this platform");
  }
}

/** Loads core, nn and optim; data comes with the first epoch. */
export async function load(settings) {
  const core = await built("core");
  apply(core, settings);
  const [nn, optim] = await Promise.all([built("nn"), built("optim")]);
  return {
    versions: { chainrule: "this checkout" },
    train: (spec) => train({ core, nn, optim }, spec),
    matmul: (spec) => matmul(core, spec),
    elementwise: (spec) => elementwise(core, spec),
    epoch: (spec) => ({ run: () => epoch({ core, nn, optim }, spec) }),
  };
}

const lossModule = (nn, name) => ({
  crossEntropy: () => new nn.CrossEntropyLoss(),
  bceWithLogits: () => new nn.BCEWithLogitsLoss(),
  mse: () => new nn.MSELoss(),
})[name]();

function perceptron({ core, nn }, { sizes, activation }) {
  const modules = initialLayers(sizes).flatMap(({ inputs, outputs, weight, bias }, i) => {
    const layer = new nn.Linear(inputs, outputs);
    core.noGrad(() => {
      layer.weight.copy_(core.tensor(weight).view(outputs, inputs));
      layer.bias.copy_(core.tensor(bias));
    });
    const isLast = i === sizes.length - 2;
    return isLast ? [layer] : [layer, activation === "tanh" ? new nn.Tanh() : new nn.ReLU()];
  });
  return new nn.Sequential(...modules);
}

function train(libraries, spec) {
  const { core, nn, optim } = libraries;
  const data = trainingBatch(spec);
  const x = core.tensor(data.x).view(spec.batch, spec.sizes[0]);
  const y = data.labels ? core.tensor(data.labels, { dtype: "int32" })
    : core.tensor(data.targets).view(spec.batch, 1);
  const model = perceptron(libraries, spec);
  const criterion = lossModule(nn, spec.loss);
  const optimizer = spec.optimizer === "adam"
    ? new optim.Adam(model.parameters(), { lr: spec.lr })
    : new optim.SGD(model.parameters(), { lr: spec.lr });
  let value = 0;
  const step = () => {
    const loss = criterion(model(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    value = loss.item();
  };
  return { step, value: () => value };
}

const first = (tensor) => tensor.view(-1).narrow(0, 0, 1).item();

function matmul(core, { a, b, transposeA, transposeB }) {
  let left = core.tensor(uniform(sizeOf(a), 1)).view(...a);
  let right = core.tensor(uniform(sizeOf(b), 2)).view(...b);
  if (transposeA) left = left.transpose(-1, -2);
  if (transposeB) right = right.transpose(-1, -2);
  let result;
  return { step: () => { result = left.matmul(right); }, value: () => first(result) };
}

/** The same tensor rewritten by every step. */
function inPlace(core, { op, n }) {
  const x = core.tensor(uniform(n, 1));
  const y = core.tensor(uniform(n, 2));
  const step = {
    "add_": () => { x.add_(y); },
    "exp_": () => { x.exp_(); },
    "neg_ exp_": () => { x.neg_().exp_(); },
    "tanh_": () => { x.tanh_(); },
    "relu_": () => { x.relu_(); },
  }[op];
  return { step, value: () => first(x) };
}

function elementwise(core, spec) {
  if (spec.isInPlace) return inPlace(core, spec);
  const shape = elementwiseShape(spec);
  const x = core.tensor(uniform(spec.n, 1, 2)).view(...shape);
  const y = core.tensor(uniform(spec.n, 2, 2)).view(...shape);
  let result;
  const step = {
    add: () => { result = x.add(y); },
    exp: () => { result = x.exp(); },
    tanh: () => { result = x.tanh(); },
    relu: () => { result = x.relu(); },
    sum: () => { result = x.sum(); },
    softmax: () => { result = x.softmax(1); },
  }[spec.op];
  return { step, value: () => first(result) };
}

/** Share of right answers over all batches of a loader. */
function accuracy({ core }, model, loader) {
  let [correct, total] = [0, 0];
  core.noGrad(() => {
    for (const [images, labels] of loader) {
      correct += model(images.view(-1, 784)).argmax(1).eq(labels).sum().item();
      total += labels.size(0);
    }
  });
  return correct / total;
}

/** examples/src/mnist-mlp.ts for one epoch: seconds of each phase. */
async function epoch(libraries, { folder, sizes }) {
  const { core, nn, optim } = libraries;
  const { DataLoader, MNIST } = await built("data");
  core.manualSeed(0);
  const begin = performance.now();
  const train = await MNIST.load(folder);
  const test = await MNIST.load(folder, { train: false });
  const loaded = performance.now();
  const model = perceptron(libraries, { sizes, activation: "relu" });
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const trainLoader = new DataLoader(train, { batchSize: 256, shuffle: true });
  const testLoader = new DataLoader(test, { batchSize: 256, shuffle: true });
  for (const [images, labels] of trainLoader) {
    const loss = criterion(model(images.view(-1, 784)), labels);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    loss.item();
  }
  const trained = performance.now();
  accuracy(libraries, model, trainLoader);
  const check = accuracy(libraries, model, testLoader);
  const end = performance.now();
  return { load: (loaded - begin) / 1000, train: (trained - loaded) / 1000,
    evaluate: (end - trained) / 1000, total: (end - begin) / 1000, check };
}
