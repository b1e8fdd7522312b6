// No library: what one thread can reach at most. Runs as many multiplications and additions as a
// product needs, on numbers that never leave the registers.
import { canFuse, startRegisterLoop } from "../register-loop.js";

/** Fused multiply-add where the engine has it. */
export async function load() {
  const isFused = canFuse();
  const { run, flopsPerRound } = startRegisterLoop({ isFused });
  const kind = isFused ? "f32x4.relaxed_madd" : "f32x4.mul and f32x4.add";
  return {
    versions: { "register loop": kind },
    matmul: ({ flops }) => {
      const rounds = Math.max(1, Math.round(flops / flopsPerRound));
      return { step: () => { run(rounds); }, value: () => null };
    },
  };
}
