// Grey images and their classes, kept as the bytes of their files; floats are made per batch.
import { tensor, type Tensor } from "@chainrule/core";
import { fail, fresh, show } from "@chainrule/core/internal";
import { writeBrightness } from "./brightness.ts";
import { checkIndex, type Dataset } from "./dataset.ts";
import type { IdxArray } from "./idx/format.ts";

/** An IDX array that must hold bytes of a given rank. */
function bytesOf(op: string, what: string, array: IdxArray, rank: number): Uint8Array {
  if (typeof array !== "object" || array === null) {
    fail(op, `${what} must be what readIdx gives, { type, shape, data }; got ${show(array)}`);
  }
  const { type, shape, data } = array;
  if (type === "uint8" && shape.length === rank) return data;
  fail(op, `${what} must be uint8 of rank ${rank}, got ${type} [${shape.join(", ")}]`, { shape });
}

/**
 * Samples `[image, label]`: a float32 tensor `[1, height, width]` from 0 to 1, and a class.
 *
 * A batch is converted straight from the bytes, images `[N, 1, height, width]` and int32 labels
 * `[N]`; four times the memory for a set of floats is needed only by `images`.
 * @throws unless images and labels are bytes, as many of each, and the labels classes
 */
export class LabelledImages implements Dataset<[Tensor, number]> {
  /** What a label stands for. */
  readonly classes: readonly string[];
  /** The pixels, one byte each, in row-major order. */
  readonly data: Uint8Array;
  /** All labels, int32 `[N]`. */
  readonly targets: Tensor;
  readonly length: number;
  /** Shape of a sample's image. */
  readonly imageShape: readonly [channels: 1, height: number, width: number];
  readonly #labels: Uint8Array;

  constructor(images: IdxArray, labels: IdxArray, classes: readonly string[]) {
    const op = new.target.name;
    this.data = bytesOf(op, "images", images, 3);
    this.#labels = bytesOf(op, "labels", labels, 1);
    const [count, height, width] = images.shape as [number, number, number];
    if (labels.shape[0] !== count) fail(op, `${count} images, but ${labels.shape[0]} labels`);
    const wrong = this.#labels.findIndex((label) => label >= classes.length);
    if (wrong >= 0) {
      const label = this.#labels[wrong];
      fail(op, `label ${label} at ${wrong} is none of the ${classes.length} classes`, { label });
    }
    this.classes = classes;
    this.length = count;
    this.imageShape = [1, height, width];
    this.targets = tensor(this.#labels, { dtype: "int32" });
  }

  /** All images as one float32 tensor `[N, 1, height, width]`, made at every call. */
  images(): Tensor {
    return this.#gather(Int32Array.from({ length: this.length }, (_, i) => i));
  }

  /** Image and class at a position; negative ones count from the end. */
  get(index: number): [image: Tensor, label: number] {
    const position = checkIndex(this.constructor.name, index, this.length);
    return [this.#gather([position]).reshape(this.imageShape), this.#labels[position]!];
  }

  /** Images and classes at several positions. */
  getBatch(indices: ArrayLike<number>): [images: Tensor, labels: Tensor] {
    const op = this.constructor.name;
    const positions = Int32Array.from(indices, (i) => checkIndex(op, i, this.length));
    const labels = positions.map((i) => this.#labels[i]!);
    return [this.#gather(positions), tensor(labels)];
  }

  #gather(positions: ArrayLike<number>): Tensor {
    const [channels, height, width] = this.imageShape;
    const images = fresh([positions.length, channels, height, width], "float32");
    writeBrightness(images.storage.data as Float32Array, this.data, positions, height * width);
    return images;
  }
}
