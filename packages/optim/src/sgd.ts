// Stochastic gradient descent with momentum.
import { zeros, type Tensor } from "@chainrule/core";
import { checkAtLeastZero, checkBoolean } from "./checks.ts";
import { fail } from "@chainrule/core/internal";
import { flushed, fusedUpdate, runFused, scalarsFor } from "./fused.ts";
import { Optimizer, type Params } from "./optimizer.ts";

/** Hyper-parameters of `SGD`. */
export interface SGDOptions {
  /** Step size. Default 1e-3. */
  lr?: number;
  /** How much of the last direction is kept. Default 0. */
  momentum?: number;
  /** How much less than its whole the gradient adds to the direction. Default 0. */
  dampening?: number;
  /** L2 penalty: this times the parameter is added to its gradient. Default 0. */
  weightDecay?: number;
  /** Look ahead along the direction; needs momentum and no dampening. Default `false`. */
  nesterov?: boolean;
  /** Climb instead of descending. Default `false`. */
  maximize?: boolean;
}

const scalars = ["lr", "momentum", "dampening", "weightDecay", "sign"] as const;

const plain = fusedUpdate(["param"], ["grad"], scalars,
  ({ param, grad, lr, weightDecay, sign }) => {
    const g = grad.mul(sign).add(param.mul(weightDecay));
    return { param: param.sub(lr.mul(g)) };
  });

const [withMomentum, withNesterov] = [false, true].map((nesterov) =>
  fusedUpdate(["param", "buffer"], ["grad"], scalars,
    ({ param, buffer, grad, lr, momentum, dampening, weightDecay, sign }) => {
      const g = grad.mul(sign).add(param.mul(weightDecay));
      const direction = flushed(momentum.mul(buffer).add(dampening.neg().add(1).mul(g)));
      const step = nesterov ? g.add(momentum.mul(direction)) : direction;
      return { param: param.sub(lr.mul(step)), buffer: direction };
    }));

/**
 * Stochastic gradient descent: `b ← μ b + (1 - τ) g`, `θ ← θ - lr b`; the first `b` is `g`.
 * @throws when an option is out of range
 * @see https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: Params<SGDOptions>, options?: SGDOptions) {
    super("SGD", params, options, {
      lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false,
    });
  }

  protected override check(options: Required<SGDOptions>): void {
    checkAtLeastZero("SGD", "learning rate", options.lr);
    checkAtLeastZero("SGD", "momentum value", options.momentum);
    checkAtLeastZero("SGD", "weight_decay value", options.weightDecay);
    if (typeof options.dampening !== "number" || Number.isNaN(options.dampening)) {
      fail("SGD", `Invalid dampening value: ${options.dampening}`);
    }
    checkBoolean("SGD", "nesterov", options.nesterov);
    checkBoolean("SGD", "maximize", options.maximize);
    if (options.nesterov && (options.momentum <= 0 || options.dampening !== 0)) {
      fail("SGD", "Nesterov momentum requires a momentum and zero dampening");
    }
  }

  protected override update(params: readonly Tensor[], options: Required<SGDOptions>): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = options;
    const values = { lr, momentum, dampening, weightDecay, sign: maximize ? -1 : 1 };
    const update = momentum === 0 ? plain : nesterov ? withNesterov : withMomentum;
    const scalars = scalarsFor(update, values);
    for (const param of params) {
      const grad = param.gradient!;
      if (momentum === 0) {
        runFused("SGD", update, [param], [grad], scalars);
        continue;
      }
      const buffer = this.state.get(param)?.momentumBuffer as Tensor | undefined;
      if (buffer !== undefined) {
        runFused("SGD", update, [param, buffer], [grad], scalars);
        continue;
      }
      const first = zeros(param.shape, { dtype: param.dtype });
      this.state.set(param, { momentumBuffer: first });
      runFused("SGD", update, [param, first], [grad],
        scalarsFor(update, { ...values, dampening: 0 }));
    }
  }
}
