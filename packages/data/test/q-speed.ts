import { readIdxSync } from "../src/idx/read.ts";
import { LabelledImages } from "../src/labelled-images.ts";
import { TensorDataset } from "../src/tensor-dataset.ts";
import { DataLoader } from "../src/data-loader.ts";
import { manualSeed } from "@chainrule/core";
const dir = "/work/shared/data/mnist/";
let t = performance.now();
const set = new LabelledImages(readIdxSync(dir + "train-images-idx3-ubyte.gz"), readIdxSync(dir + "train-labels-idx1-ubyte.gz"), Array.from({length: 10}, (_, i) => `${i}`));
console.log("load", performance.now() - t);
manualSeed(0);
function pass(loader: Iterable<any>) { const t = performance.now(); let s = 0; for (const [x, y] of loader) s += x.shape[0] + y.shape[0]; return performance.now() - t; }
for (let k = 0; k < 6; k++) console.log("bytes", pass(new DataLoader(set, { batchSize: 256, shuffle: true })).toFixed(0));
t = performance.now(); const images = set.images().reshape([60000, 784]); console.log("images()", performance.now() - t);
const td = new TensorDataset(images, set.targets);
for (let k = 0; k < 4; k++) console.log("tensors", pass(new DataLoader(td, { batchSize: 256, shuffle: true })).toFixed(0));
const src = images.toTypedArray();
for (let k = 0; k < 4; k++) { const t = performance.now(); for (let b = 0; b < 60000; b += 256) { const o = new Float32Array(256 * 784); o.set(src.subarray(b * 784, (b + 256) * 784)); } console.log("plain copy", (performance.now() - t).toFixed(0)); }
