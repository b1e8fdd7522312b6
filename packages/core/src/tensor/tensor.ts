// The tensor: a typed view of a storage, and how values get out of it. No operations.
import { allocate, itemSize, type DType, type TypedArray } from "../dtype.ts";
import { fail } from "../errors.ts";
import { numel, showShape, type Shape } from "../shape/dims.ts";
import { contiguousStrides, isContiguous, type Layout } from "../shape/layout.ts";
import { batchDims } from "../storage/batched.ts";
import { Storage } from "../storage/storage.ts";
import { formatTensor } from "./format.ts";

/** Where a tensor came from, as far as this layer needs to know: the name it prints. */
export interface History {
  readonly name: string;
  readonly isAccumulator: boolean;
}

/** The derivative of a tensor along the inputs of one level of forward mode. */
export interface Tangent {
  readonly level: number;
  readonly value: Tensor;
}

/** What a view follows: the history that the last recorded write gave its base. */
export interface Rebased {
  readonly node: History;
  readonly index: number;
  /** Where the base lay then: `t_` and its like change that. */
  readonly layout: Layout;
}

/** What a base knows for its views. */
export interface Family {
  /** `null` before the first recorded write since there are views. */
  rebased: Rebased | null;
}

/** How a view belongs to its base. */
export interface Lineage {
  /** Gives the view the history of its base, if that was written to since it last did. */
  follow(view: Tensor): void;
}

/** The method that Node's `console.log` calls. */
const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** Elements that nested arrays may hold: V8 ends the process while one grows beyond 2²⁷. */
const mostListed = 2 ** 26;

/** Nested arrays of a tensor's values; a plain number or truth value for a scalar. */
export type Nested = number | boolean | Nested[];

/**
 * A multi-dimensional array that remembers how it was computed.
 *
 * Tensors are made by functions such as `tensor`, `zeros` and `randn`. Operations are methods
 * (`x.add(y)`) and functions (`add(x, y)`) alike. Memory is left to the garbage collector.
 * @see https://pytorch.org/docs/stable/tensors.html
 */
export class Tensor implements Layout {
  /** @internal */ readonly storage: Storage;
  /** Sizes of the dimensions. */
  readonly shape: Shape;
  /** @internal Steps in elements, by dimension; `stride()` is the public form. */
  readonly strides: readonly number[];
  /** @internal Position of the first element in the storage. */
  readonly offset: number;
  /** @internal The tensor whose storage this is a view of. */
  base: Tensor | null = null;
  /** @internal How this follows writes to its base; `null` for what is no view. */
  lineage: Lineage | null = null;
  /** @internal What views of this follow; `null` before there is one. */
  family: Family | null = null;
  /** What was recorded last for this tensor itself. */
  private recorded: History | null = null;
  /** @internal Which output of that node this is. */
  outputIndex = 0;
  /** @internal What `.grad` gives. */
  gradient: Tensor | null = null;
  /** @internal What forward mode knows about this, by level. */
  tangents: readonly Tangent[] | null = null;

  /** @internal */
  constructor(storage: Storage, shape: Shape, strides?: readonly number[], offset = 0) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides ?? contiguousStrides(shape);
    this.offset = offset;
  }

  /** @internal The node that computed this, or the accumulator of a leaf. */
  get history(): History | null {
    if (this.lineage !== null) this.lineage.follow(this);
    return this.recorded;
  }

  /** @internal To be set only after it was read, or it gives way to what the base was given. */
  set history(history: History | null) { this.recorded = history; }

  /** @internal Whether a view was made of this. */
  get viewed(): boolean { return this.family !== null; }

  set viewed(value: boolean) {
    if (value) this.family ??= { rebased: null };
  }

  /** Element type. */
  get dtype(): DType { return this.storage.dtype; }

  /** Always `"cpu"`. */
  get device(): "cpu" { return "cpu"; }

  /** The tensor itself: there is no other device; for scripts that are ported line by line. */
  cpu(): this { return this; }

  /** Number of dimensions. */
  get ndim(): number { return this.shape.length; }

  /** Number of dimensions. */
  dim(): number { return this.shape.length; }

  /** Number of elements. */
  numel(): number { return numel(this.shape); }

  /**
   * The shape, or the size of one dimension.
   * @throws when `dim` is out of range
   */
  size(): Shape;
  size(dim: number): number;
  size(dim?: number): Shape | number {
    return dim === undefined ? this.shape : this.shape[this.checkDim("size", dim)];
  }

  /**
   * Steps in elements between neighbours, by dimension.
   * @throws when `dim` is out of range
   */
  stride(): readonly number[];
  stride(dim: number): number;
  stride(dim?: number): readonly number[] | number {
    return dim === undefined ? this.strides : this.strides[this.checkDim("stride", dim)];
  }

  /** Position of the first element in the storage, in elements. */
  storageOffset(): number { return this.offset; }

  /** Bytes of one element. */
  elementSize(): number { return itemSize(this.dtype); }

  /** Whether the elements lie in row-major order without gaps. */
  isContiguous(): boolean { return isContiguous(this.shape, this.strides); }

  /** Whether the elements are real numbers. */
  isFloatingPoint(): boolean { return this.dtype === "float32" || this.dtype === "float64"; }

  /** Number of writes to this memory, shared with all views of it. */
  get _version(): number { return this.storage.version; }

  /** The tensor this is a view of, if it is one. */
  get _base(): Tensor | null { return this.base; }

  /**
   * The only element, as a number (a truth value for bool).
   * @throws when there is not exactly one element
   */
  item<T extends number | boolean = number>(): T {
    if (this.numel() !== 1) {
      fail("item", "only one element tensors can be converted to JavaScript scalars: " +
        `this one has shape ${showShape(this.shape)}`, { shape: this.shape });
    }
    return this.at(this.offset) as T;
  }

  /**
   * The values as nested arrays.
   * @throws for more elements than arrays can safely hold
   */
  tolist<T = Nested>(): T {
    const count = this.numel();
    if (count > mostListed) {
      fail("tolist", `${count} elements are more than arrays hold (${mostListed}): use ` +
        "toTypedArray(), or a part of the tensor");
    }
    const visit = (dim: number, offset: number): Nested => {
      if (dim === this.shape.length) return this.at(offset);
      const items: Nested[] = [];
      for (let i = 0; i < this.shape[dim]; i++) {
        items.push(visit(dim + 1, offset + i * this.strides[dim]));
      }
      return items;
    };
    return visit(0, this.offset) as T;
  }

  /** A copy of the values in row-major order; bool gives bytes 0 and 1. */
  toTypedArray(): TypedArray {
    const count = this.numel();
    if (this.isContiguous()) {
      return this.storage.values.slice(this.offset, this.offset + count);
    }
    const values = allocate(this.dtype, count);
    let next = 0;
    const visit = (dim: number, offset: number): void => {
      const step = this.strides[dim];
      const size = this.shape[dim];
      if (dim === this.shape.length - 1) {
        for (let i = 0; i < size; i++) values[next++] = this.storage.values[offset + i * step];
      } else for (let i = 0; i < size; i++) visit(dim + 1, offset + i * step);
    };
    if (count > 0) visit(0, this.offset);
    return values;
  }

  /** What PyTorch prints: values, then dtype and history where they are not the default. */
  toString(): string {
    const suffixes: string[] = [];
    if (this.history !== null) {
      suffixes.push(this.history.isAccumulator
        ? "requiresGrad=true" : `gradFn=<${this.history.name}>`);
    }
    const dims = batchDims(this.storage);
    const strides = [...dims.map(({ stride }) => stride), ...this.strides];
    const at = (index: readonly number[]) =>
      this.at(index.reduce((sum, i, dim) => sum + i * strides[dim], this.offset),
        this.storage.memory);
    const text = formatTensor({
      shape: [...dims.map(({ level }) => level.size), ...this.shape], dtype: this.dtype, at,
    }, suffixes);
    if (dims.length === 0) return text;
    return `BatchedTensor(levels=${dims.length}, value=\n${text}\n)`;
  }

  /** What `console.log` shows in Node. */
  [inspect](): string { return this.toString(); }

  private at(position: number, storage = this.storage): number | boolean {
    const value = storage.values[position];
    return this.dtype === "bool" ? value !== 0 : value;
  }

  private checkDim(op: string, dim: number): number {
    const rank = this.shape.length;
    if (!Number.isInteger(dim) || dim < -rank || dim >= rank) {
      fail(op, "Dimension out of range (expected to be in range of " +
        `[${-rank}, ${rank - 1}], but got ${dim})`, { dim });
    }
    return dim < 0 ? dim + rank : dim;
  }
}
