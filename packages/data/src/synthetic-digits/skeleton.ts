// From a glyph to the line a hand would draw: elastic distortion, affine map, fit into MNIST's box.
// Only + − × ÷ and √ are used, which IEEE 754 fixes, so that every engine draws the same digits.
import type { Curve, Glyph } from "./glyphs.ts";

/** Source of randomness: `uniform53` is uniform on [0, 1). */
export interface RandomSource {
  uniform53(): number;
}

type Point = [x: number, y: number];

/** Line segments: `ax, ay, aRadius, bx, by, bRadius` for each, in pixels. */
export interface Segments {
  values: Float64Array;
  count: number;
}

/** MNIST scales a digit into a box of 20 pixels inside the 28 (LeCun et al. 1998, III.A). */
const boxPixels = 20;
const imagePixels = 28;

const stepsPerPoint = 4;
const gridNodes = 4;

/** Room for the segments of the longest glyph. */
export function createSegments(): Segments {
  return { values: new Float64Array(6 * 256), count: 0 };
}

/** Symmetric, triangular on (−1, 1): standard deviation 0.41. */
function noise(random: RandomSource): number {
  return random.uniform53() + random.uniform53() - 1;
}

function between(random: RandomSource, low: number, high: number): number {
  return low + (high - low) * random.uniform53();
}

/** Smooth random displacement: vectors on a grid over the glyph's box, blended between nodes. */
function elasticField(random: RandomSource, amplitude: number): (x: number, y: number) => Point {
  const nodes = Float64Array.from({ length: 2 * gridNodes ** 2 }, () => amplitude * noise(random));
  const locate = (coordinate: number): [number, number] => {
    const at = Math.min(Math.max(coordinate / 100, 0), 1) * (gridNodes - 1);
    const cell = Math.min(Math.floor(at), gridNodes - 2);
    const t = at - cell;
    return [cell, t * t * (3 - 2 * t)];
  };
  return (x, y) => {
    const [column, u] = locate(x);
    const [row, v] = locate(y);
    const blend = (axis: number): number => {
      const node = 2 * (row * gridNodes + column) + axis;
      const below = node + 2 * gridNodes;
      const top = nodes[node]! + u * (nodes[node + 2]! - nodes[node]!);
      const bottom = nodes[below]! + u * (nodes[below + 2]! - nodes[below]!);
      return top + v * (bottom - top);
    };
    return [x + blend(0), y + blend(1)];
  };
}

/** Random slant, turn and aspect about the glyph's middle. */
function affineMap(random: RandomSource): (point: Point) => Point {
  // t = tan(angle / 2) turns by an angle of up to 23 degrees.
  const t = 0.2 * noise(random);
  const cosine = (1 - t * t) / (1 + t * t);
  const sine = (2 * t) / (1 + t * t);
  const slant = 0.12 + 0.48 * noise(random);
  const aspect = between(random, 0.58, 1.1);
  return ([x, y]) => {
    const sheared = aspect * (x - 50) - slant * (y - 50);
    return [cosine * sheared - sine * (y - 50), sine * sheared + cosine * (y - 50)];
  };
}

/** Point `t` of the way from b to c on the Catmull–Rom curve through a, b, c, d. */
function catmullRom(a: number, b: number, c: number, d: number, t: number): number {
  const cubic = 3 * (b - c) + d - a;
  const square = 2 * a - 5 * b + 4 * c - d;
  return b + 0.5 * t * (c - a + t * (square + t * cubic));
}

/** Points along a curve, each moved by `place`. */
function trace(curve: Curve, place: (x: number, y: number) => Point): Point[] {
  const last = curve.length - 2;
  const value = (at: number, axis: number): number => {
    if (at < 0) return 2 * curve[axis]! - curve[2 + axis]!;
    if (at > last) return 2 * curve[last + axis]! - curve[last - 2 + axis]!;
    return curve[at + axis]!;
  };
  const along = (at: number, axis: number, t: number): number =>
    catmullRom(value(at - 2, axis), value(at, axis), value(at + 2, axis), value(at + 4, axis), t);
  const points = [place(curve[0]!, curve[1]!)];
  for (let at = 0; at < last; at += 2) {
    for (let step = 1; step <= stepsPerPoint; step++) {
      const t = step / stepsPerPoint;
      points.push(place(along(at, 0, t), along(at, 1, t)));
    }
  }
  return points;
}

/** Writes the lines between the points, whose radius goes from one end's to the other's. */
function addSegments(out: Segments, points: Point[], startRadius: number, endRadius: number): void {
  const { values } = out;
  const steps = points.length - 1;
  const radius = (i: number): number => startRadius + ((endRadius - startRadius) * i) / steps;
  for (let i = 0; i < steps; i++) {
    const at = 6 * out.count++;
    values[at] = points[i]![0];
    values[at + 1] = points[i]![1];
    values[at + 2] = radius(i);
    values[at + 3] = points[i + 1]![0];
    values[at + 4] = points[i + 1]![1];
    values[at + 5] = radius(i + 1);
  }
}

interface Extent {
  span: number;
  centre: Point;
}

/** The longer side of the segments' bounding box, and their centre of mass. */
function measure({ values, count }: Segments): Extent {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  let [mass, massX, massY] = [0, 0, 0];
  for (let at = 0; at < 6 * count; at += 6) {
    const [ax, ay, bx, by] = [values[at]!, values[at + 1]!, values[at + 3]!, values[at + 4]!];
    left = Math.min(left, ax, bx);
    right = Math.max(right, ax, bx);
    top = Math.min(top, ay, by);
    bottom = Math.max(bottom, ay, by);
    const length = Math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay));
    mass += length;
    massX += (length * (ax + bx)) / 2;
    massY += (length * (ay + by)) / 2;
  }
  return { span: Math.max(right - left, bottom - top), centre: [massX / mass, massY / mass] };
}

/** Scales the segments into MNIST's box and centres them by mass, about `offset`. */
function fit(segments: Segments, inkPixels: number, offset: Point): void {
  const { span, centre } = measure(segments);
  const scale = inkPixels / span;
  const { values, count } = segments;
  for (let at = 0; at < 6 * count; at += 3) {
    values[at] = (values[at]! - centre[0]) * scale + imagePixels / 2 + offset[0];
    values[at + 1] = (values[at + 1]! - centre[1]) * scale + imagePixels / 2 + offset[1];
  }
}

/** Fills `out` with one way of writing `glyph` by hand. */
export function writeGlyph(glyph: Glyph, random: RandomSource, out: Segments): void {
  out.count = 0;
  const affine = affineMap(random);
  const elastic = elasticField(random, 17);
  const place = (x: number, y: number): Point => affine(elastic(x, y));
  const penRadius = between(random, 0.8, 1.9);
  for (const curve of glyph.curves) {
    const taper = 0.25 * noise(random);
    const points = trace(curve, place);
    addSegments(out, points, penRadius * (1 + taper), penRadius * (1 - taper));
  }
  const inkPixels = between(random, 0.88, 1) * (boxPixels - 2 * penRadius);
  fit(out, inkPixels, [1.4 * noise(random), 1.4 * noise(random)]);
}
