// Pointwise kernels where no code may be generated: blocks of elements through the interpreter.
import { BLOCK, blockSupply, execute, translate, type Block }
  from "../expression/interpreter.ts";
import { overlaps } from "../shape/layout.ts";
import { BlockWalk, oneRow, readBlock, writeBlock } from "./block-walk.ts";
import { computesIntegers } from "./operand.ts";
import type { PointwiseKernel, PointwiseProgram } from "./pointwise.ts";

/**
 * A kernel for operands of the classes in `key`, bit by bit the same as the generated one.
 *
 * Method: a block of every input is read, the expressions run over the block, the outputs are
 * written. An output that shows one element several times is taken element by element, because
 * it may be an input too.
 */
export function buildBlocks(program: PointwiseProgram, key: string): PointwiseKernel {
  const first = program.outputs.length;
  const take = blockSupply();
  const inputs = program.tensors.map(take);
  const numbers = program.scalars.map(take);
  const blocks = new Map<string, Block>();
  program.tensors.forEach((name, k) => blocks.set(name, inputs[k]));
  program.scalars.forEach((name, k) => blocks.set(name, numbers[k]));
  const { instructions, results } =
    translate(program.outputs, blocks, take, computesIntegers(key));
  const walk = new BlockWalk(key.length);
  return (shape, data, offsets, strides, scalars) => {
    numbers.forEach((block, k) => block.fill(scalars[k], 0, BLOCK));
    const limit = results.some((_, k) => overlaps(shape, strides[k])) ? 1 : BLOCK;
    walk.start({ shape, strides }, offsets);
    for (let count = walk.next(limit); count > 0; count = walk.next(limit)) {
      for (let k = 0; k < inputs.length; k++) {
        const from = first + k;
        readBlock(
          inputs[k], data[from], walk.bases[from], oneRow, 1, walk.positions[from], count);
      }
      execute(instructions, 0, count);
      for (let k = 0; k < first; k++) {
        writeBlock(results[k], data[k], walk.bases[k], oneRow, 1, walk.positions[k], count);
      }
    }
  };
}
