// Tier A of PyTorch's op registry, as far as it belongs to this package, in our spelling.

/**
 * Ops that must exist. Left out: reflected operators (`__radd__` and their like; JavaScript has no
 * operators to overload) and `nn.functional`. `__getitem__` is `index`; `bool`, `double`, `float`
 * and `int` are `to(dtype)`; `slice` is `index` and `narrow`; `fill`, `uniform` and `normal`
 * are the methods that write.
 */
export const tierA: readonly string[] = `
  T index abs add addmm all allclose amax amin any arange argmax argmin bernoulli bmm to cat chunk
  clamp clone contiguous cos cumsum div dot einsum empty emptyLike eq equal exp expand eye fill_
  flatten fullLike gather ge gt indexSelect isfinite isnan le linspace log logSoftmax logicalAnd
  logicalNot logicalOr logsumexp lt maskedFill matmul max maximum mean min minimum mm mul mv narrow
  ne neg norm normal_ ones onesLike outer permute pow prod randLike randn randnLike reshape select
  sigmoid sign sin softmax split sqrt square squeeze stack std sub sum t tanh trace transpose tril
  triu trueDivide unbind uniform_ unsqueeze var view where zero_ zeros zerosLike
`.trim().split(/\s+/);
