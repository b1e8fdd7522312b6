// Every op that this package defines, inner ones included: what the laws are checked on.
import type { Op, Signature } from "@chainrule/core/internal";
import * as activation from "../src/functional/activation.ts";
import * as binaryCrossEntropy from "../src/functional/binary-cross-entropy.ts";
import * as crossEntropy from "../src/functional/cross-entropy.ts";
import * as dropout from "../src/functional/dropout.ts";
import * as embedding from "../src/functional/embedding.ts";
import * as likelihood from "../src/functional/likelihood.ts";
import * as linear from "../src/functional/linear.ts";
import * as regression from "../src/functional/regression-loss.ts";

const families = [
  activation, binaryCrossEntropy, crossEntropy, dropout, embedding, likelihood, linear, regression,
];

/** The ops by the names they are exported under. */
export const ops: readonly (readonly [string, Op<Signature>])[] = families.flatMap((family) =>
  Object.entries(family as Record<string, unknown>).filter(
    (entry): entry is [string, Op<Signature>] =>
      typeof entry[1] === "function" && "definition" in entry[1]));
