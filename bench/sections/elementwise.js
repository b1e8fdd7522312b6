// (d): one op on n numbers, its result kept by the library and not read out; in place, the same
// tensor is rewritten again and again, so that it stays where the library computes.

const ops = ["add", "exp", "tanh", "relu", "sum", "softmax"];

/** `neg_ exp_` tends to 0.567…; `exp_` alone reaches Infinity after some steps. */
const inPlaceOps = ["add_", "exp_", "neg_ exp_", "tanh_", "relu_"];

function row(op, power, isInPlace) {
  const name = `${op} 1e${power}`;
  const spec = { kind: "elementwise", op, n: 10 ** power, isInPlace };
  return isInPlace ? { name: `${name}, in place`, group: "in place", spec } : { name, spec };
}

export const elementwise = {
  letter: "d",
  title: "one op on n numbers; in place: the same tensor again and again (the rows of 1e6 have " +
    "the targets); softmax on rows of 100",
  /** Many rows: less time for each. */
  pace: (isQuick) => (isQuick ? {} : { warmSeconds: 0.25, sampleSeconds: 0.03,
    brief: { slowSeconds: 0.5, budgetSeconds: 0.25, timeoutSeconds: 10 } }),
  cases: (isQuick) => [[ops, false], [inPlaceOps, true]].flatMap(([names, isInPlace]) =>
    names.flatMap((op) => (isQuick ? [2, 4, 6] : [2, 3, 4, 5, 6]).map((power) =>
      row(op, power, isInPlace)))),
};
