// (d): one op on n numbers, its result kept by the library and not read out.

const ops = ["add", "exp", "tanh", "relu", "sum", "softmax"];

export const elementwise = {
  letter: "d",
  title: "one op on n numbers; softmax on rows of 100",
  cases: (isQuick) => ops.flatMap((op) =>
    (isQuick ? [2, 4, 6] : [2, 3, 4, 5, 6]).map((power) => (
      { name: `${op} 1e${power}`, spec: { kind: "elementwise", op, n: 10 ** power } }))),
};
