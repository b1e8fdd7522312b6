// (c): matrix products of [m, k] and [k, n], either operand possibly stored transposed.

function product(m, k, n, { transposeA = false, transposeB = false, batch } = {}) {
  const stored = (rows, columns, isTransposed) => [
    ...(batch ? [batch] : []), ...(isTransposed ? [columns, rows] : [rows, columns])];
  const flops = 2 * m * k * n * (batch ?? 1);
  const name = `${batch ? `${batch} × ` : ""}${m}×${k}${transposeA ? "ᵀ" : ""} · ` +
    `${k}×${n}${transposeB ? "ᵀ" : ""}`;
  const spec = { kind: "matmul", a: stored(m, k, transposeA), b: stored(k, n, transposeB),
    transposeA, transposeB, flops };
  return { name, spec, flops };
}

const turned = { transposeB: true };

const quick = [
  product(64, 64, 64), product(256, 256, 256), product(512, 512, 512),
  product(512, 512, 512, turned), product(512, 512, 512, { transposeA: true }),
  product(256, 784, 256, turned), product(256, 256, 10, turned), product(127, 129, 131),
  product(64, 64, 64, { batch: 32 }),
];

const full = [
  ...[64, 128, 256, 512, 1024].map((n) => product(n, n, n)),
  product(512, 512, 512, turned), product(512, 512, 512, { transposeA: true }),
  product(512, 512, 512, { transposeA: true, transposeB: true }),
  product(1024, 1024, 1024, turned), product(1024, 1024, 1024, { transposeA: true }),
  product(256, 784, 256, turned), product(256, 784, 256, { transposeA: true }),
  product(256, 256, 784), product(256, 256, 10, turned),
  product(10, 256, 256, { transposeA: true }), product(256, 10, 256),
  product(127, 129, 131), product(255, 257, 253), product(1, 784, 256, turned),
  product(64, 64, 64, { batch: 32 }), product(128, 64, 128, { batch: 16, ...turned }),
];

export const products = {
  letter: "c",
  title: "matrix products; ᵀ: the operand is stored transposed",
  unit: "flops",
  also: ["register-loop"],
  /** Many rows: less time for each. */
  pace: (isQuick) => (isQuick ? {} : { warmSeconds: 0.3, sampleSeconds: 0.05,
    brief: { slowSeconds: 0.5, budgetSeconds: 0.25, timeoutSeconds: 10 } }),
  cases: (isQuick) => (isQuick ? quick : full),
};
