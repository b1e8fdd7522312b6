// PyTorch's numbers for every op that exists, and a list, kept complete, of those that do not.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as chainrule from "../../src/index.ts";
import { demand, thrownBy } from "../laws/expect.ts";
import { readCases, resolveAll } from "./fixtures.ts";
import { checkErrorCase, checkOpCase, type OpCase } from "./op-case.ts";
import { checkProgram, type ProgramCase } from "./program-case.ts";
import { nameOf, resolve, type Namespaces, type Space } from "./resolve.ts";
import { tierA } from "./tier-a.ts";

const namespaces: Namespaces = { torch: chainrule };
const fixture = (name: string) => new URL(`../fixtures/${name}.json`, import.meta.url);

/** Namespaces that this package has; `functional` belongs to nn, which runs the same fixtures. */
const own = (ns: Space) => ns !== "functional";

/** What does not exist yet: sorted names of ops, and refused cases with a part of the message. */
const missing = JSON.parse(
  readFileSync(new URL("./missing.json", import.meta.url), "utf8")) as {
  ops: string[]; refused: Record<string, string>;
};

/** Runs a check, or demands the refusal that is listed for it. */
function checkOrRefusal(key: string, check: () => void): void {
  const message = missing.refused[key];
  if (message === undefined) return check();
  const problem = thrownBy(check);
  demand(`${problem}`.includes(message), `${key} is listed as refused with "${message}", ` +
    `but ${problem === undefined ? "it passes: take it off the list" : problem}`);
}

/** Whether a case was computed in float32, for what overflows or rounds there. */
function isFloat32Only(c: OpCase): boolean {
  return JSON.stringify(c.args).includes('"float32"');
}

const absent = new Set<string>();

describe.each([
  "ops-unary", "ops-binary", "ops-reduction", "ops-shape", "ops-index", "ops-linalg",
  "ops-inplace", "ops-large", "edges",
])("%s", (file) => {
  const cases = readCases<OpCase>(fixture(file)).filter(({ ns }) => own(ns));
  const resolved = resolveAll(cases, namespaces);
  for (const name of resolved.missing) absent.add(name);
  describe.each(["float64", "float32"] as const)("%s", (floats) => {
    const readable = resolved.present.filter(({ c }) => floats === "float32" || !isFloat32Only(c));
    it.each(readable)("$c.id: $c.torch", ({ c, call }) => {
      checkOrRefusal(`${file}/${c.id}`, () =>
        checkOpCase(c, call, { floats, nanIsOutside: file === "edges" }));
    });
  });
});

describe("dtypes", () => {
  const resolved = resolveAll(readCases<OpCase>(fixture("dtypes")), namespaces);
  for (const name of resolved.missing) absent.add(name);
  it.each(resolved.present)("$c.id: $c.torch", ({ c, call }) => {
    checkOpCase(c, call, { floats: null });
  });
});

describe("errors", () => {
  const cases = readCases<OpCase>(fixture("errors")).filter(({ ns }) => own(ns));
  const resolved = resolveAll(cases, namespaces);
  for (const name of resolved.missing) absent.add(name);
  it.each(resolved.present)("$c.id: $c.torch is refused", ({ c, call }) => {
    checkErrorCase(c, call);
  });
});

describe("programs", () => {
  const programs = readCases<ProgramCase>(fixture("programs"))
    .filter(({ steps }) => steps.every(({ ns }) => own(ns)));
  const present = programs.filter(({ steps }) => steps.every((step) => {
    const exists = resolve(step, namespaces) !== null;
    if (!exists) absent.add(nameOf(step));
    return exists;
  }));
  describe.each(["float64", "float32"] as const)("%s", (dtype) => {
    it.each(present)("$id", (c) => {
      checkOrRefusal(`programs/${c.id}`, () => checkProgram(c, namespaces, dtype));
    });
  });
});

describe("what is missing", () => {
  it("is exactly what missing.json lists", () => {
    expect(missing.ops).toEqual([...absent].sort());
  });

  it("is nothing of tier A", () => {
    const lacking = tierA.filter((op) =>
      resolve({ op, ns: "torch" }, namespaces) === null &&
      !(op in chainrule.Tensor.prototype));
    expect(lacking).toEqual([]);
  });
});
