// PyTorch's numbers for layers and losses as modules, and the list of those still missing.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { grad, type DType, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";
import {
  Decoder, type TensorArgument, type TensorData,
} from "../../core/test/conformance/decode.ts";
import { boundsOf, demandExpected } from "../../core/test/conformance/tolerances.ts";
import { missing } from "./missing.ts";

interface ModuleCase {
  readonly id: string;
  readonly layer: string;
  readonly torch: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly modules?: readonly ModuleCase[];
  readonly training: boolean;
  readonly state: readonly { readonly key: string; readonly tensor: TensorData }[];
  readonly calls: readonly {
    readonly inputs: readonly TensorArgument[];
    readonly kwargs?: Readonly<Record<string, unknown>>;
    readonly outputs: readonly TensorData[];
    readonly cotangents: readonly (TensorData | null)[];
    readonly inputGrads: readonly (TensorData | null)[];
    readonly paramGrads: readonly { readonly key: string; readonly tensor: TensorData | null }[];
  }[];
}

/** Named arguments that are positional here: a layer's one main setting. */
const positional: Readonly<Record<string, string>> = {
  Dropout: "p", Softmax: "dim", LogSoftmax: "dim",
};

const layers = nn as unknown as Record<string, new (...args: unknown[]) => nn.Module>;

function construct({ layer, args, kwargs, modules }: ModuleCase, decoder: Decoder): nn.Module {
  if (modules !== undefined) {
    return new nn.Sequential(...modules.map((inner) => construct(inner, decoder)));
  }
  const named = decoder.values(kwargs ?? {});
  const main = positional[layer];
  const first = main in named ? [named[main]] : [];
  delete named[main];
  return new layers[layer](...args, ...first, ...(Object.keys(named).length > 0 ? [named] : []));
}

function exists({ layer, modules }: ModuleCase): boolean {
  return modules === undefined ? layer in layers : modules.every(exists);
}

function checkModule(c: ModuleCase, dtype: DType): void {
  const module = construct(c, new Decoder(dtype)).to(dtype).train(c.training);
  const load = new Decoder(dtype);
  module.loadStateDict(new Map(c.state.map(({ key, tensor }) => [key, load.tensor(tensor)])));
  for (const call of c.calls) {
    const decoder = new Decoder(dtype);
    const inputs = call.inputs.map((input) => decoder.value(input));
    const output = module(...inputs) as Tensor;
    const bounds = (expected: TensorData | null, quantity: "output" | "gradient" = "gradient") =>
      boundsOf(quantity, dtype, { ns: "functional" }, expected);
    demandExpected("output", output, call.outputs[0], bounds(call.outputs[0], "output"));
    const parameters = module.namedParameters();
    const leaves = [...decoder.flagged, ...parameters.map(([, parameter]) => parameter)];
    if (leaves.length === 0 || !output.requiresGrad) continue;
    const gradients = grad(output, leaves,
      { gradOutputs: decoder.tensor(call.cotangents[0]!), allowUnused: true });
    call.inputGrads.forEach((expected, i) =>
      demandExpected(`input gradient ${i}`, gradients[i], expected, bounds(expected)));
    parameters.forEach(([name], i) => {
      const { tensor: expected } = call.paramGrads.find(({ key }) => key === name)!;
      demandExpected(name, gradients[decoder.flagged.length + i], expected, bounds(expected));
    });
  }
}

const { cases } = JSON.parse(
  readFileSync(new URL("./fixtures/modules.json", import.meta.url), "utf8")) as {
  cases: ModuleCase[];
};

describe.each(["float64", "float32"] as const)("%s", (dtype) => {
  it.each(cases.filter(exists))("$id: $torch", (c) => checkModule(c, dtype));
});

describe("what is missing", () => {
  it("is exactly what missing.json lists", () => {
    const lacking = cases.flatMap((c) => c.modules ?? [c]).filter((c) => !exists(c));
    expect([...new Set(lacking.map(({ layer }) => layer))].sort()).toEqual(missing.layers);
  });
});
