// PyTorch's numbers for nn.functional, and a list, kept complete, of the functions still missing.
import { describe, expect, it } from "vitest";
import * as chainrule from "@chainrule/core";
import type { Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";
import { readCases, resolveAll } from "../../core/test/conformance/fixtures.ts";
import { checkErrorCase, checkOpCase, type OpCase } from "../../core/test/conformance/op-case.ts";
import { checkProgram, type ProgramCase } from "../../core/test/conformance/program-case.ts";
import { resolve, type Namespaces } from "../../core/test/conformance/resolve.ts";
import { missing } from "./missing.ts";

/** The fixtures name a bias; here it is the third argument. */
const linear = (input: Tensor, weight: Tensor, { bias }: { bias?: Tensor } = {}) =>
  nn.functional.linear(input, weight, bias);

const namespaces: Namespaces = {
  torch: chainrule, functional: { ...nn.functional, linear },
};
const own = (name: string) => new URL(`./fixtures/${name}.json`, import.meta.url);
const shared = (name: string) => new URL(`../../core/test/fixtures/${name}.json`, import.meta.url);
const absent = new Set<string>();

function functionalCases(file: URL) {
  const cases = readCases<OpCase>(file).filter(({ ns }) => ns === "functional");
  const resolved = resolveAll(cases, namespaces);
  for (const name of resolved.missing) absent.add(name);
  return resolved.present;
}

describe.each([
  ["losses", own("losses")], ["activations", own("activations")], ["edges", shared("edges")],
] as const)("%s", (name, file) => {
  const present = functionalCases(file);
  const isFloat32Only = (c: OpCase) => JSON.stringify(c.args).includes('"float32"');
  describe.each(["float64", "float32"] as const)("%s", (floats) => {
    it.each(present.filter(({ c }) => floats === "float32" || !isFloat32Only(c)))(
      "$c.id: $c.torch", ({ c, call }) => {
        checkOpCase(c, call, { floats, nanIsOutside: name === "edges" });
      });
  });
});

describe("errors", () => {
  it.each(functionalCases(shared("errors")))("$c.id: $c.torch is refused", ({ c, call }) => {
    checkErrorCase(c, call);
  });
});

describe("programs", () => {
  const programs = readCases<ProgramCase>(shared("programs")).filter(({ steps }) =>
    steps.some(({ ns }) => ns === "functional") &&
    steps.every((step) => resolve(step, namespaces) !== null));
  describe.each(["float64", "float32"] as const)("%s", (dtype) => {
    it.each(programs)("$id", (c) => checkProgram(c, namespaces, dtype));
  });
});

describe("what is missing", () => {
  it("is exactly what missing.json lists", () => {
    expect([...absent].sort()).toEqual(missing.functional);
  });
});
