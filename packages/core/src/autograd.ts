// autograd.*: PyTorch's names for what the engine does.
export { backward, grad } from "./autograd/backward.ts";
export { enableGrad, isGradEnabled, noGrad, setGradEnabled } from "./autograd/modes.ts";
export { gradcheck, gradgradcheck } from "./transforms/gradcheck.ts";
