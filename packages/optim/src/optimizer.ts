// What all optimizers share: parameter groups, state by parameter, stepping, saving and loading.
import { enableGrad, noGrad, Tensor } from "@chainrule/core";
import { checkOptions, fail, show } from "@chainrule/core/internal";

/** The method that Node's `console.log` calls. */
const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** Hyper-parameters by name. */
export type Hyperparameters = { readonly [name: string]: unknown };

/** Parameters that share hyper-parameters; these may be changed between steps. */
export type ParamGroup<Options> = { params: Tensor[] } & Required<Options>;

/** Parameters with hyper-parameters of their own; those left out come from the optimizer. */
export type ParamGroupOptions<Options> =
  { readonly params: Tensor | Iterable<Tensor> } & Partial<Options>;

/** What an optimizer takes: parameters, such as `model.parameters()`, or groups of them. */
export type Params<Options> = Iterable<Tensor> | Iterable<ParamGroupOptions<Options>>;

/** What an optimizer remembers of one parameter: step counts and running averages. */
export type ParamState = { [name: string]: Tensor | number | undefined };

/** An optimizer's state as data: parameters are numbered in the order of their groups. */
export interface OptimizerStateDict {
  readonly state: { readonly [parameter: number]: ParamState };
  readonly paramGroups: readonly ({ readonly params: readonly number[] } & Hyperparameters)[];
}

/**
 * Base of all optimizers.
 * @see https://pytorch.org/docs/stable/optim.html
 */
export abstract class Optimizer<Options extends object> {
  /** The groups of parameters. */
  readonly paramGroups: ParamGroup<Options>[] = [];
  /** What is remembered of each parameter that was stepped. */
  readonly state = new Map<Tensor, ParamState>();
  /** Hyper-parameters of groups that do not give their own. */
  readonly defaults: Required<Options>;
  protected readonly name: string;

  /** @throws when there are no parameters, or options out of range */
  protected constructor(
    name: string, params: Params<Options>, options: Options | undefined,
    defaults: Required<Options>,
  ) {
    this.name = name;
    this.defaults = this.complete(options ?? {}, defaults);
    const groups = groupsOf<Options>(name, params);
    if (groups.length === 0) fail(name, "optimizer got an empty parameter list");
    for (const group of groups) this.addParamGroup(group);
  }

  /**
   * Checks hyper-parameters.
   * @throws when one is out of range
   */
  protected abstract check(options: Required<Options>): void;

  /** What the state of a parameter cannot do without, with its type. */
  protected readonly needed: { readonly [name: string]: "number" | "tensor" } = {};

  /** Updates the parameters of one group that have a gradient. */
  protected abstract update(params: readonly Tensor[], options: Required<Options>): void;

  /**
   * Adds parameters with hyper-parameters of their own.
   * @throws when a parameter is no leaf, or is in a group already
   */
  addParamGroup(group: ParamGroupOptions<Options>): void {
    if (typeof group !== "object" || group === null || !("params" in group)) {
      fail(this.name, `a parameter group is an object with params, got ${show(group)}`);
    }
    const { params: given, ...overrides } = group;
    const params = given instanceof Tensor ? [given] : listOf(this.name, given);
    const options = this.complete(overrides as object, this.defaults);
    const known = new Set(this.paramGroups.flatMap((other) => other.params));
    for (const param of params) {
      if (!(param instanceof Tensor)) {
        fail(this.name, `optimizer can only optimize Tensors, got ${show(param)}`);
      }
      if (!param.isLeaf) fail(this.name, "can't optimize a non-leaf Tensor");
      if (known.has(param)) {
        fail(this.name, "some parameters appear in more than one parameter group, or twice in one");
      }
      known.add(param);
    }
    this.paramGroups.push({ ...options, params });
  }

  /** Updates all parameters that have a gradient. */
  step(): undefined;
  /** Runs `closure`, which computes the loss and calls `backward`; updates; gives its result. */
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    if (closure !== undefined && typeof closure !== "function") {
      fail(`${this.name}.step`, `takes a function that computes the loss, got ${show(closure)}`);
    }
    const loss = closure === undefined ? undefined : enableGrad(closure);
    for (const group of this.paramGroups) this.check(group);
    noGrad(() => {
      for (const group of this.paramGroups) {
        this.update(group.params.filter((param) => param.gradient !== null), group);
      }
    });
    return loss;
  }

  /** Clears the gradients: sets them to `null`, or to zeros with `setToNone: false`. */
  zeroGrad(options?: {
    /** Drop the gradients instead of writing zeros into them. Default `true`. */
    readonly setToNone?: boolean;
  }): void {
    checkOptions(`${this.name}.zeroGrad`, options, ["setToNone"]);
    const setToNone = options?.setToNone ?? true;
    for (const { params } of this.paramGroups) {
      for (const param of params) {
        const { gradient } = param;
        if (setToNone || gradient === null) param.grad = null;
        else if (gradient.gradFn === null) gradient.zero_();
        else param.grad = gradient.detach().zero_();
      }
    }
  }

  /** State and hyper-parameters as data; tensors are shared, not copied. */
  stateDict(): OptimizerStateDict {
    const numbers = new Map(this.paramGroups.flatMap(({ params }) => params)
      .map((param, i) => [param, i]));
    const state: { [parameter: number]: ParamState } = {};
    for (const [param, values] of this.state) {
      const number = numbers.get(param);
      if (number !== undefined) state[number] = { ...values };
    }
    return {
      state,
      paramGroups: this.paramGroups.map(({ params, ...options }) =>
        ({ ...options, params: params.map((param) => numbers.get(param)!) })),
    };
  }

  /**
   * Takes over state and hyper-parameters from `stateDict()`, copied. Nothing changes when it
   * does not fit.
   * @throws when groups or shapes differ
   */
  loadStateDict(dict: OptimizerStateDict): void {
    const groups = this.matching(dict);
    const params = this.paramGroups.flatMap((group) => group.params);
    const numbers = dict.paramGroups.flatMap((group) => group.params);
    const loaded = new Map<Tensor, ParamState>();
    numbers.forEach((number, i) => {
      const values = dict.state[number];
      if (values !== undefined) loaded.set(params[i], this.adopted(params[i], values, number));
    });
    groups.forEach((options, i) => Object.assign(this.paramGroups[i], options));
    this.state.clear();
    for (const [param, values] of loaded) this.state.set(param, values);
  }

  /** The groups, with sorted hyper-parameters. */
  toString(): string {
    const groups = this.paramGroups.map(({ params: _, ...options }, i) =>
      [`Parameter Group ${i}`, ...Object.entries(options)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `    ${name}: ${Array.isArray(value) ? show(value) : value}`)]
        .join("\n"));
    return `${this.name} (\n${groups.join("\n\n")}\n)`;
  }

  /** What `console.log` shows in Node. */
  [inspect](): string { return this.toString(); }

  private complete(options: object, defaults: Required<Options>): Required<Options> {
    if (typeof options !== "object" || options === null) {
      fail(this.name, `options must be an object, got ${show(options)}`);
    }
    for (const name of Object.keys(options)) {
      if (!(name in defaults)) {
        fail(this.name, `unknown option ${name}; there is ${Object.keys(defaults).join(", ")}`);
      }
    }
    const given = Object.fromEntries(
      Object.entries(options).filter(([, value]) => value !== undefined));
    const complete = { ...defaults, ...given };
    this.check(complete);
    return complete;
  }

  private matching(dict: OptimizerStateDict): Required<Options>[] {
    const op = `${this.name}.loadStateDict`;
    if (typeof dict !== "object" || dict === null || !Array.isArray(dict.paramGroups) ||
      typeof dict.state !== "object" || dict.state === null) {
      fail(op, `expected what stateDict() gives, got ${show(dict)}`);
    }
    if (dict.paramGroups.length !== this.paramGroups.length) {
      fail(op, "loaded state dict has a different number of parameter groups: " +
        `${dict.paramGroups.length} instead of ${this.paramGroups.length}`);
    }
    return dict.paramGroups.map((group, i) => {
      const { params, ...options } = Object(group) as typeof group;
      if (!Array.isArray(params) || params.length !== this.paramGroups[i].params.length) {
        fail(op, "loaded state dict contains a parameter group that doesn't match the size of " +
          `optimizer's group ${i}: ${params?.length} instead of ` +
          this.paramGroups[i].params.length);
      }
      return this.complete(options, this.defaults);
    });
  }

  private adopted(param: Tensor, values: ParamState, number: number): ParamState {
    const op = `${this.name}.loadStateDict`;
    if (typeof values !== "object" || values === null) {
      fail(op, `state of parameter ${number} must be an object, got ${show(values)}`);
    }
    return Object.fromEntries(Object.entries({ ...this.needed, ...values }).map(([name]) => {
      const value = values[name];
      const expected = this.needed[name] ?? "tensor";
      if (expected === "number" && typeof value === "number") return [name, value];
      if (expected === "number" || !(value instanceof Tensor)) {
        fail(op, `${name} of parameter ${number} must be a ${expected}, got ${show(value)}`);
      }
      if (value.shape.join() !== param.shape.join()) {
        fail(op, `${name} of parameter ${number} has shape ` +
          `[${value.shape.join(", ")}], the parameter has [${param.shape.join(", ")}]`);
      }
      return [name, value.detach().clone().to(param.dtype)];
    }));
  }
}

function listOf<T>(op: string, values: Iterable<T>): T[] {
  if (typeof values !== "object" || values === null || !(Symbol.iterator in values)) {
    fail(op, "params argument given to the optimizer should be an iterable of Tensors or groups, " +
      `but got ${show(values)}`);
  }
  if (values instanceof Set) {
    fail(op, "optimizer parameters need to be organized in ordered collections, not in a Set");
  }
  return [...values];
}

function groupsOf<Options>(op: string, params: Params<Options>): ParamGroupOptions<Options>[] {
  if (params instanceof Tensor) {
    fail(op, "params argument given to the optimizer should be an iterable of Tensors or groups, " +
      "but got a Tensor: wrap it in an array");
  }
  const list = listOf<Tensor | ParamGroupOptions<Options>>(op, params);
  if (list.length > 0 && list.every((item) => !(item instanceof Tensor))) {
    return list as ParamGroupOptions<Options>[];
  }
  // Anything that is no tensor is refused when the group is added.
  const group = { params: list } as unknown as ParamGroupOptions<Options>;
  return list.length === 0 ? [] : [group];
}
