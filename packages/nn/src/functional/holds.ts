// Conditions on all values of a tensor, for checks before anything is computed.
import type { Tensor } from "@chainrule/core";
import { rowMajor } from "@chainrule/core/internal";

/** Whether every value satisfies a condition. */
export function holdsEverywhere(tensor: Tensor, condition: (value: number) => boolean): boolean {
  const { storage: { values: data }, offset } = rowMajor(tensor);
  for (let i = offset; i < offset + tensor.numel(); i++) if (!condition(data[i])) return false;
  return true;
}
