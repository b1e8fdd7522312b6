// Reductions and scans where no code may be generated: through the interpreter, in blocks.
import type { TypedArray } from "../dtype.ts";
import { variable, variablesOf, type Expression } from "../expression/expression.ts";
import { BLOCK, blockSupply, execute, translate, type Block, type Instruction }
  from "../expression/interpreter.ts";
import { BlockWalk, oneRow, readBlock, writeBlock } from "./block-walk.ts";
import { computesIntegers } from "./operand.ts";
import type { Kernel, Pass, Reduction } from "./reduce.ts";

/** An operand and the block that holds its elements. */
interface Place { readonly operand: number; readonly block: Block }

/** A copy between blocks. */
interface Move { readonly from: Block; readonly to: Block }

/** The only instruction between an accumulator and its next value; no other one takes part. */
interface Chain extends Move { readonly instruction: Instruction }

/** The instructions of one pass. */
interface BlockPass {
  readonly start: readonly Instruction[];
  readonly starts: readonly Move[];
  readonly inputs: readonly Place[];
  readonly usesPosition: boolean;
  /** What needs no accumulator that changes: runs for many elements at once. */
  readonly free: readonly Instruction[];
  /** The other ones: run element after element. */
  readonly bound: readonly Instruction[];
  /** Accumulators that change, from their next values. */
  readonly changes: readonly Move[];
  /** Instead of `bound`, where there is one such instruction for each change. */
  readonly chains: readonly Chain[] | null;
  /** Accumulators that are read but do not change. */
  readonly fixed: readonly Block[];
  readonly store: readonly Instruction[];
  readonly stores: readonly Place[];
}

/** What all passes of a kernel share. */
interface Context {
  readonly take: () => Block;
  readonly blocks: Map<string, Block>;
  readonly integer: boolean;
}

/**
 * A kernel for operands of the classes in `key`, bit by bit the same as the generated ones.
 *
 * Method: up to `BLOCK` results side by side; the fewer there are, the more of their elements share
 * a block, row by row. In a block the rows of an accumulator are its values before each element.
 */
export function buildBlocks(program: Reduction, key: string): Kernel {
  const context: Context =
    { take: blockSupply(), blocks: new Map(), integer: computesIntegers(key) };
  const { take, blocks, integer } = context;
  const [positions, count, ...numbers] = ["position", "count", ...program.scalars].map((name) => {
    const block = take();
    blocks.set(name, block);
    return block;
  });
  const passes = describePasses(program, context);
  const finish = translate(program.results, blocks, take, integer);
  const kept = new BlockWalk(key.length);
  const reduced = new BlockWalk(key.length);
  return (outer, outerStrides, inner, innerStrides, operands, scalars, total) => {
    const data = operands.map((operand) => operand.data);
    count.fill(total, 0, BLOCK);
    numbers.forEach((block, k) => block.fill(scalars[k], 0, BLOCK));
    kept.start({ shape: outer, strides: outerStrides }, operands.map(({ offset }) => offset));
    for (let width = kept.next(BLOCK); width > 0; width = kept.next(BLOCK)) {
      for (const pass of passes) {
        begin(pass, width);
        reduced.start({ shape: inner, strides: innerStrides });
        if (total > 0) runPass(pass, { kept, width, reduced, data, positions });
      }
      execute(finish.instructions, 0, width);
      finish.results.forEach((block, k) => writeBlock(
        block, data[k], kept.bases[k], oneRow, 1, kept.positions[k], width));
    }
  };
}

function describePasses(program: Reduction, context: Context): BlockPass[] {
  const accumulators: string[] = [];
  let firstStore = program.results.length;
  const firstInput = program.passes.reduce((n, pass) => n + pass.stores.length, firstStore);
  const inputs = new Map(program.inputs.map((name, k): [string, Place] => {
    const block = context.take();
    context.blocks.set(name, block);
    return [name, { operand: firstInput + k, block }];
  }));
  return program.passes.map((pass) => {
    const own = pass.steps.map((_, k) => `accumulator${accumulators.length + k}`);
    own.forEach((name) => context.blocks.set(name, context.take()));
    accumulators.push(...own);
    const described = describePass(pass, context, { own, accumulators, inputs, firstStore });
    firstStore += pass.stores.length;
    return described;
  });
}

function describePass(
  pass: Required<Pass>, { take, blocks, integer }: Context,
  { own, accumulators, inputs, firstStore }: {
    readonly own: readonly string[]; readonly accumulators: readonly string[];
    readonly inputs: ReadonlyMap<string, Place>; readonly firstStore: number;
  },
): BlockPass {
  const changing = own.filter((name, k) => pass.steps[k] !== variable(name));
  const steps = changing.map((name) => pass.steps[own.indexOf(name)]);
  const mentioned = variablesOf(...steps, ...pass.stores);
  const changingIn = ({ node }: Instruction) => {
    const names = variablesOf(node);
    return changing.filter((name) => names.has(name));
  };
  const start = translate(pass.initial as readonly Expression[], blocks, take, integer);
  const step = translate(steps, blocks, take, integer);
  const after = new Map(blocks);
  changing.forEach((name, k) => after.set(name, step.results[k]));
  const store = translate(pass.stores, after, take, integer);
  const bound = step.instructions.filter((one) => changingIn(one).length > 0);
  const changes = changing.map((name, k) => ({ from: step.results[k], to: blocks.get(name)! }));
  const chains = changes.map(({ from, to }, k) => ({
    from, to, instruction: bound.find((one) => one.out === from && changingIn(one).length === 1 &&
      changingIn(one)[0] === changing[k])!,
  }));
  return {
    start: start.instructions,
    starts: own.map((name, k) => ({ from: start.results[k], to: blocks.get(name)! })),
    inputs: [...inputs].filter(([name]) => mentioned.has(name)).map(([, place]) => place),
    usesPosition: mentioned.has("position"),
    free: step.instructions.filter((one) => !bound.includes(one)), bound, changes,
    chains: bound.length === changes.length && chains.every(({ instruction }) => instruction)
      ? chains : null,
    fixed: accumulators.filter((name) => mentioned.has(name) && !changing.includes(name))
      .map((name) => blocks.get(name)!),
    store: store.instructions,
    stores: store.results.map((block, k) => ({ operand: firstStore + k, block })),
  };
}

/** Gives the accumulators of a pass their first values. */
function begin({ start, starts }: BlockPass, width: number): void {
  execute(start, 0, width);
  for (const { from, to } of starts) copyRow(from, 0, to, 0, width);
}

/** Takes the accumulators of a pass over all reduced elements of `width` results. */
function runPass(pass: BlockPass, { kept, width, reduced, data, positions }: {
  readonly kept: BlockWalk; readonly width: number; readonly reduced: BlockWalk;
  readonly data: readonly TypedArray[]; readonly positions: Block;
}): void {
  const most = Math.floor(BLOCK / width);
  for (const block of pass.fixed) {
    for (let row = 1; row < most; row++) copyRow(block, 0, block, row * width, width);
  }
  let first = 0;
  for (let height = reduced.next(most); height > 0; height = reduced.next(most)) {
    if (pass.usesPosition) {
      for (let i = 0; i < height * width; i++) positions[i] = first + Math.floor(i / width);
    }
    for (const { operand, block } of pass.inputs) {
      readBlock(block, data[operand], kept.bases[operand] + reduced.bases[operand],
        reduced.positions[operand], height, kept.positions[operand], width);
    }
    const size = height * width;
    execute(pass.free, 0, size);
    if (pass.chains !== null) runChains(pass.chains, width, size);
    else for (let at = 0; at < size; at += width) {
      execute(pass.bound, at, at + width);
      for (const { from, to } of pass.changes) copyRow(from, at, to, at + width, width);
    }
    execute(pass.store, 0, size);
    for (const { operand, block } of pass.stores) {
      writeBlock(block, data[operand], kept.bases[operand] + reduced.bases[operand],
        reduced.positions[operand], height, kept.positions[operand], width);
    }
    for (const { to } of pass.changes) copyRow(to, size, to, 0, width);
    first += height;
  }
}

/**
 * Method: elements are computed in order, so that a loop whose result is its accumulator one row
 * further reads what it has just written: a sum takes 0.45 of the time.
 */
function runChains(chains: readonly Chain[], width: number, size: number): void {
  for (const { instruction: { run, a, b, c }, from, to } of chains) {
    run(to.subarray(width), 0, size, a, b, c);
    copyRow(to, width, from, 0, size);
  }
}

/** Copies `width` elements at `at` to those at `target`. */
function copyRow(from: Block, at: number, to: Block, target: number, width: number): void {
  for (let j = 0; j < width; j++) to[target + j] = from[at + j];
}
