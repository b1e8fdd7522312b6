// Who takes part. Each runs in a process of its own; `column` merges settings of one library.

/** The contender all ratios refer to. */
export const subject = "chainrule";

/** PyTorch sets OpenMP's threads itself; a BLAS with threads of its own listens to these. */
const blasThreads = (n) => ({ OPENBLAS_NUM_THREADS: n, MKL_NUM_THREADS: n, OMP_NUM_THREADS: n });

/**
 * `module` is a file of peers/, `settings` go to its `load`, `env` to its process. Of several
 * contenders with the same `column`, a table shows the fastest of each row. No target needs
 * exact times of those with `isBrief`: they get less time.
 */
export const contenders = [
  { id: subject, column: "chainrule", module: "chainrule.js", settings: {} },
  { id: "chainrule-1t", column: "chainrule 1 thread", module: "chainrule.js",
    settings: { threads: 1 } },
  { id: "chainrule-blas", column: "chainrule BLAS", module: "chainrule.js",
    settings: { blas: true }, env: { CHAINRULE_BLAS: "auto" } },
  { id: "pytorch-1t", column: "PyTorch", setting: "1t", module: "pytorch.py",
    settings: { threads: 1 }, env: blasThreads(1) },
  { id: "pytorch-2t", column: "PyTorch", setting: "2t", module: "pytorch.py",
    settings: { threads: 2 }, env: blasThreads(2) },
  { id: "jax-js", column: "jax-js", module: "jax-js.js", settings: {}, isBrief: true },
  { id: "tfjs-wasm", column: "tfjs wasm", module: "tfjs.js", settings: { backend: "wasm" },
    isBrief: true },
  { id: "tfjs-cpu", column: "tfjs cpu", module: "tfjs.js", settings: { backend: "cpu" },
    isBrief: true },
  { id: "js-pytorch", column: "js-pytorch", module: "js-pytorch.js", settings: {}, isBrief: true },
  { id: "register-loop", column: "register loop", module: "register-loop.js", settings: {} },
];
