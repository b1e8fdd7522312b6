// What the compiler must accept and refuse; checked by type-checking the tests, never run.
import { ones, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

class Net extends nn.Module {
  fc = new nn.Linear(2, 3);
  forward(x: Tensor, scale = 1, mask?: Tensor): Tensor {
    const y = this.fc(x).mul(scale);
    return mask === undefined ? y : y.mul(mask);
  }
}

class Pair extends nn.Module {
  forward(x: number): readonly [Tensor, string] { return [ones([x]), ""]; }
}

/** Calls that compile, with the types of `forward`. */
export function accepted(): void {
  const net = new Net();
  const a: Tensor = net(ones([1, 2]));
  const b: Tensor = net(ones([1, 2]), 2, ones([3]));
  const [c, d]: readonly [Tensor, string] = new Pair()(2);
  const model: nn.Module = net;
  const e: Tensor = model(a);
  const list = new nn.ModuleList([new nn.Linear(1, 1), new nn.Linear(1, 1)]);
  const width: number = list[0].outFeatures;
  for (const layer of list) layer(b);
  const loss: Tensor = new nn.CrossEntropyLoss()(c, e);
  nn.init.kaimingNormal_(net.fc.weight, { mode: "fanIn", nonlinearity: "relu" });
  void [d, width, loss];
}

/** Calls that must not compile. */
export function refused(): void {
  const net = new Net();
  // @ts-expect-error the input is missing
  net();
  // @ts-expect-error a plain tensor would not be trained
  net.fc.weight = ones([3, 2]);
  // @ts-expect-error a string is no tensor
  net("x");
  // @ts-expect-error the second argument is a number
  net(ones([1]), "2");
  // @ts-expect-error there are three arguments
  net(ones([1]), 1, ones([1]), 4);
  // @ts-expect-error the result is a tensor
  const wrong: number = net(ones([1]));
  // @ts-expect-error a module needs a forward
  class Bare extends nn.Module {}
  // @ts-expect-error options have names
  new nn.Linear(2, 3, false);
  // @ts-expect-error the dimension must be chosen
  new nn.Softmax();
  // @ts-expect-error reductions are none, mean and sum
  new nn.MSELoss({ reduction: "avg" });
  // @ts-expect-error a list has no forward to call with an input
  new nn.ModuleList([new nn.ReLU()])(ones([1]));
  // @ts-expect-error modes have our spelling
  nn.init.kaimingNormal_(net.fc.weight, { mode: "fan_in" });
  void [wrong, Bare];
}
