// (a), (b) and (f): whole training steps, the loss read out after each.

const mnist = { kind: "train", sizes: [784, 256, 10], batch: 256, activation: "relu",
  loss: "crossEntropy", optimizer: "adam", lr: 1e-3 };
const xor = { kind: "train", sizes: [2, 8, 1], batch: 4, activation: "tanh", inputs: "xor" };
const deep = { ...mnist, sizes: [...Array(21).fill(64), 10], batch: 32 };
const wide = { ...mnist, sizes: [784, 2048, 2048, 10], batch: 128 };

/** Also what (g) and (h) run. */
export const mnistStep = mnist;
export const xorStep = { ...xor, loss: "bceWithLogits", optimizer: "adam", lr: 0.05 };
export const mnistSizes = mnist.sizes;

export const mnistTraining = {
  letter: "a",
  title: "training step of 784-256-10, batch 256, Adam, loss read out",
  // an epoch of MNIST has 235 steps; V8 has optimised all of a step after some 300
  pace: () => ({ warmSeconds: 3 }),
  cases: () => [{ name: "784-256-10, batch 256", spec: mnist }],
};

export const xorTraining = {
  letter: "b",
  title: "XOR step: 2-8-1, tanh, four cases at once, loss read out",
  // V8 has optimised chainrule's whole step after some 30,000 of them: bench/bursts.js
  pace: () => ({ warmSeconds: 3 }),
  cases: () => [
    { name: "BCE with logits, Adam", spec: xorStep },
    { name: "mean squared error, SGD", spec: { ...xor, loss: "mse", optimizer: "sgd", lr: 0.1 } },
  ],
};

export const shapedTraining = {
  letter: "f",
  title: "training steps of a deep narrow and a wide perceptron, Adam, loss read out",
  cases: () => [
    { name: "20 hidden layers of 64, batch 32", spec: deep },
    { name: "784-2048-2048-10, batch 128", spec: wide },
  ],
};
