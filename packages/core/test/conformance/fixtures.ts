// Reading fixture files, and telling the cases that can run from those whose op is missing.
import { readFileSync } from "node:fs";
import { nameOf, resolve, type Call, type Named, type Namespaces } from "./resolve.ts";

/** The cases of a fixture file. */
export function readCases<T>(file: URL): T[] {
  return (JSON.parse(readFileSync(file, "utf8")) as { cases: T[] }).cases;
}

/** Cases with the call they make, and the sorted names of ops that do not exist. */
export interface Resolved<T> {
  readonly present: readonly { readonly c: T; readonly call: Call }[];
  readonly missing: readonly string[];
}

/** Looks the ops of cases up. */
export function resolveAll<T extends Named>(
  cases: readonly T[], namespaces: Namespaces,
): Resolved<T> {
  const present: { c: T; call: Call }[] = [];
  const missing = new Set<string>();
  for (const c of cases) {
    const call = resolve(c, namespaces);
    if (call === null) missing.add(nameOf(c));
    else present.push({ c, call });
  }
  return { present, missing: [...missing].sort() };
}
