// Adam and AdamW: steps scaled by running averages of the gradient and of its square.
import { zeros, type Tensor } from "@chainrule/core";
import { checkAtLeastZero, checkBetas, checkBoolean } from "./checks.ts";
import { flushed, fusedUpdate, runFused, scalarsFor, type FusedUpdate } from "./fused.ts";
import { Optimizer, type Params, type ParamState } from "./optimizer.ts";

/** Hyper-parameters of `Adam` and `AdamW`. */
export interface AdamOptions {
  /** Step size. Default 1e-3. */
  lr?: number;
  /** Decay rates of the averages of the gradient and of its square. Default `[0.9, 0.999]`. */
  betas?: [number, number];
  /** Added to the denominator. Default 1e-8. */
  eps?: number;
  /**
   * `Adam`: L2 penalty, this times the parameter is added to its gradient; default 0. `AdamW`: the
   * parameter shrinks by `lr` times this, apart from the gradient; default 1e-2.
   */
  weightDecay?: number;
  /** Divide by the largest average of squares so far. Default `false`. */
  amsgrad?: boolean;
  /** Climb instead of descending. Default `false`. */
  maximize?: boolean;
}

const scalars = ["beta1", "beta2", "eps", "stepSize", "root", "decay", "penalty", "sign"] as const;

/** One step; `root` is `√(1 - β₂ᵗ)`, `stepSize` is `lr / (1 - β₁ᵗ)`, `decay` is `1 - lr λ`. */
const plain: FusedUpdate = fusedUpdate(["param", "m", "v"], ["grad"], scalars,
  ({ param, m, v, grad, beta1, beta2, eps, stepSize, root, decay, penalty, sign }) => {
    const g = grad.mul(sign).add(param.mul(penalty));
    const average = flushed(beta1.mul(m).add(beta1.neg().add(1).mul(g)));
    const squares = flushed(beta2.mul(v).add(beta2.neg().add(1).mul(g.square())));
    const step = stepSize.mul(average).div(squares.sqrt().div(root).add(eps));
    return { param: param.mul(decay).sub(step), m: average, v: squares };
  });

const withLargest: FusedUpdate = fusedUpdate(["param", "m", "v", "largest"], ["grad"], scalars,
  ({ param, m, v, largest, grad, beta1, beta2, eps, stepSize, root, decay, penalty, sign }) => {
    const g = grad.mul(sign).add(param.mul(penalty));
    const average = flushed(beta1.mul(m).add(beta1.neg().add(1).mul(g)));
    const squares = flushed(beta2.mul(v).add(beta2.neg().add(1).mul(g.square())));
    const most = largest.max(squares);
    const step = stepSize.mul(average).div(most.sqrt().div(root).add(eps));
    return { param: param.mul(decay).sub(step), m: average, v: squares, largest: most };
  });

abstract class AdamBase extends Optimizer<AdamOptions> {
  protected abstract readonly isDecoupled: boolean;
  protected override readonly needed =
    { step: "number", expAvg: "tensor", expAvgSq: "tensor" } as const;

  protected override check({ lr, betas, eps, weightDecay, amsgrad, maximize }:
    Required<AdamOptions>): void {
    checkAtLeastZero(this.name, "learning rate", lr);
    checkAtLeastZero(this.name, "epsilon value", eps);
    checkBetas(this.name, betas);
    checkAtLeastZero(this.name, "weight_decay value", weightDecay);
    checkBoolean(this.name, "amsgrad", amsgrad);
    checkBoolean(this.name, "maximize", maximize);
  }

  protected override update(params: readonly Tensor[], options: Required<AdamOptions>): void {
    const { amsgrad } = options;
    const update = amsgrad ? withLargest : plain;
    let scalars: readonly number[] = [];
    let scalarsStep = 0;
    for (const param of params) {
      const state = this.stateOf(param, amsgrad);
      const step = (state.step as number) + 1;
      if (step !== scalarsStep) { // most often all parameters have taken as many steps
        scalars = this.scalarsAt(step, update, options);
        scalarsStep = step;
      }
      const targets = [param, state.expAvg as Tensor, state.expAvgSq as Tensor];
      if (amsgrad) targets.push(state.maxExpAvgSq as Tensor);
      runFused(this.name, update, targets, [param.gradient!], scalars);
      state.step = step;
    }
  }

  private scalarsAt(
    step: number, update: FusedUpdate, options: Required<AdamOptions>,
  ): readonly number[] {
    const { lr, betas: [beta1, beta2], eps, weightDecay, maximize } = options;
    return scalarsFor(update, {
      beta1, beta2, eps,
      stepSize: lr / (1 - beta1 ** step),
      root: Math.sqrt(1 - beta2 ** step),
      decay: this.isDecoupled ? 1 - lr * weightDecay : 1,
      penalty: this.isDecoupled ? 0 : weightDecay,
      sign: maximize ? -1 : 1,
    });
  }

  private stateOf(param: Tensor, amsgrad: boolean): ParamState {
    let state = this.state.get(param);
    if (state === undefined) {
      state = { step: 0, expAvg: emptyFor(param), expAvgSq: emptyFor(param) };
      this.state.set(param, state);
    }
    if (amsgrad) state.maxExpAvgSq ??= emptyFor(param);
    return state;
  }
}

/** An average of nothing yet. */
function emptyFor({ shape, dtype }: Tensor): Tensor {
  return zeros(shape, { dtype });
}

/**
 * Adam: `m ← β₁ m + (1 - β₁) g`, `v ← β₂ v + (1 - β₂) g²`,
 * `θ ← θ - lr / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)`.
 * @throws when an option is out of range
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adam.html
 */
export class Adam extends AdamBase {
  protected override readonly isDecoupled = false;

  constructor(params: Params<AdamOptions>, options?: AdamOptions) {
    super("Adam", params, options, {
      lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false, maximize: false,
    });
  }
}

/**
 * Adam with decoupled weight decay: `θ ← (1 - lr λ) θ` before the step of Adam.
 * @throws when an option is out of range
 * @see https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html
 */
export class AdamW extends AdamBase {
  protected override readonly isDecoupled = true;

  constructor(params: Params<AdamOptions>, options?: AdamOptions) {
    super("AdamW", params, options, {
      lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 1e-2, amsgrad: false,
      maximize: false,
    });
  }
}
