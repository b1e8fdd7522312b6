// Seeded data, the same in every process: peers/pytorch.py repeats these formulas number by number.

/** `n` numbers from `[-scale, scale)`: mulberry32, started anew for every seed. */
export function uniform(n, seed, scale = 1) {
  const values = new Float32Array(n);
  let state = seed | 0;
  for (let i = 0; i < n; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    values[i] = (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1) * scale;
  }
  return values;
}

/** Weights `[out, in]` and biases of a perceptron, uniform as Kaiming's initialisation. */
export function initialLayers(sizes) {
  return sizes.slice(1).map((outputs, i) => ({
    inputs: sizes[i],
    outputs,
    weight: uniform(outputs * sizes[i], 100 + i, Math.sqrt(6 / sizes[i])),
    bias: uniform(outputs, 200 + i, 0.1),
  }));
}

/** Inputs `[batch, sizes[0]]` and targets: class numbers, or `[batch, 1]` for XOR. */
export function trainingBatch({ sizes, batch, inputs }) {
  if (inputs === "xor") {
    return { x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), targets: Float32Array.of(0, 1, 1, 0) };
  }
  const classes = sizes.at(-1);
  const labels = Int32Array.from({ length: batch }, (_, i) => (i * 7) % classes);
  return { x: uniform(batch * sizes[0], 1), labels };
}

/** The transpose of a row-major `[rows, columns]` array. */
export function transposed(values, rows, columns) {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c];
  }
  return result;
}

/** Class numbers as rows `[batch, classes]` with a single one. */
export function oneHot(labels, classes) {
  const rows = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => { rows[i * classes + label] = 1; });
  return rows;
}

/** How many numbers a shape holds. */
export const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** Shape of the operand of an elementwise case: softmax works on rows of 100. */
export const elementwiseShape = ({ op, n }) => (op === "softmax" ? [n / 100, 100] : [n]);
