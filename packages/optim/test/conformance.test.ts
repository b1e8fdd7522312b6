// PyTorch's trajectories: the same parameters, gradients and options give the same steps.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { tensor, type DType, type Tensor } from "@chainrule/core";
import { Adam, AdamW, SGD, type Optimizer } from "../src/index.ts";

interface Encoded { shape: number[]; data: number[]; dtype: DType }
interface Case {
  id: string; optimizer: string; options: object;
  groups: { params: Encoded[]; options: object }[];
  gradients: (Encoded | null)[][]; trajectory: Encoded[][];
  finalState: Record<string, Encoded | number | null>[]; lrPerStep?: number[];
}

const classes: Record<string, new (params: never, options: never) => Optimizer<{ lr?: number }>> =
  { SGD, Adam, AdamW };

/** Optimizers that are not built yet; an entry here must be missing from the package. */
const missing = ["ASGD", "Adadelta", "Adagrad", "Adamax", "LBFGS", "NAdam", "RAdam", "RMSprop",
  "Rprop"];

const path = new URL("./fixtures/optimizers.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: Case[] };

const decode = ({ shape, data, dtype }: Encoded): Tensor =>
  tensor(data, { dtype }).view(shape);

/** README of the fixtures: rtol 1e-9 for optimizers. */
function expectClose(actual: Tensor, expected: Encoded): void {
  expect(actual.shape).toEqual(expected.shape);
  const values = actual.toTypedArray();
  expected.data.forEach((value, i) => {
    expect(Math.abs(values[i] - value)).toBeLessThanOrEqual(1e-9 * Math.abs(value) + 1e-15);
  });
}

test("the fixtures name no optimizer that is neither built nor listed as missing", () => {
  const names = new Set(cases.map(({ optimizer }) => optimizer));
  expect([...names].filter((name) => !(name in classes)).sort()).toEqual(missing);
});

describe.each(cases.filter(({ optimizer }) => optimizer in classes))("$id", (fixture) => {
  test("follows PyTorch's trajectory and ends in its state", () => {
    const groups = fixture.groups.map(({ params, options }) =>
      ({ params: params.map((param) => decode(param).requiresGrad_()), ...options }));
    const params = groups.flatMap((group) => group.params);
    const optimizer = new classes[fixture.optimizer](groups as never, fixture.options as never);
    fixture.gradients.forEach((gradients, step) => {
      gradients.forEach((gradient, i) => {
        params[i].grad = gradient === null ? null : decode(gradient);
      });
      const lr = fixture.lrPerStep?.[step];
      if (lr !== undefined) for (const group of optimizer.paramGroups) group.lr = lr;
      optimizer.step();
      params.forEach((param, i) => expectClose(param, fixture.trajectory[step][i]));
    });
    const { state } = optimizer.stateDict();
    fixture.finalState.forEach((expected, i) => {
      const actual = state[i] ?? {};
      for (const [name, value] of Object.entries(expected)) {
        if (value === null) continue;
        if (typeof value === "number") expect(actual[name]).toBe(value);
        else expectClose(actual[name] as Tensor, value);
      }
    });
  });
});
