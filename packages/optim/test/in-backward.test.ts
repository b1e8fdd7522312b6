// Optimizers that step inside of backward, as soon as a gradient is there.
import { expect, it } from "vitest";
import { Generator, rand, type HookHandle } from "@chainrule/core";
import * as nn from "@chainrule/nn";
import { Adam } from "@chainrule/optim";

it("equal a step after backward, and stop when the hook is removed " +
  "(test_post_accumulate_grad_hook_e2e)", () => {
  const [model, copy] = [new nn.Linear(3, 2), new nn.Linear(3, 2)];
  copy.loadStateDict(model.stateDict());
  const handles: HookHandle[] = model.parameters().map((parameter) => {
    const optimizer = new Adam([parameter]);
    return parameter.registerPostAccumulateGradHook(() => {
      optimizer.step();
      optimizer.zeroGrad();
    });
  });
  const reference = new Adam(copy.parameters());
  const input = rand([2, 3], { generator: new Generator(1) });
  const train = () => {
    for (let i = 0; i < 5; i++) {
      model(input).sum().backward();
      copy(input).sum().backward();
      reference.step();
      reference.zeroGrad();
    }
  };
  const values = (module: nn.Module) => module.parameters().map((each) => each.tolist());
  const start = values(model);
  train();
  const trained = values(model);
  expect(trained).not.toEqual(start);
  expect(trained).toEqual(values(copy));
  expect(model.weight.grad).toBeNull();
  for (const handle of handles) handle.remove();
  train();
  expect(values(model)).toEqual(trained);
  expect(values(copy)).not.toEqual(trained);
});
