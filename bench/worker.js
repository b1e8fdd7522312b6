// A JavaScript contender's process: reads commands from stdin, answers on descriptor 3, one JSON
// object per line. peers/pytorch.py answers the same commands in the same way.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

const [moduleFile, settings] = process.argv.slice(2);
let peer;
let current;
let count = 1;

const now = () => performance.now() / 1000;

async function load() {
  peer ??= await (await import(`./peers/${moduleFile}`)).load(JSON.parse(settings));
}

/** Builds the case named by `spec.kind`: `{ step, value, free?, isAsync? }`. */
async function build(spec) {
  await load();
  if (peer[spec.kind] === undefined) throw new Error(`the bench has no ${spec.kind} case for it`);
  return peer[spec.kind](spec);
}

/** Seconds that `steps` steps take together. */
async function run(one, steps) {
  one.steps = (one.steps ?? 0) + steps;
  const start = now();
  if (one.isAsync) for (let i = 0; i < steps; i++) await one.step();
  else for (let i = 0; i < steps; i++) one.step();
  return now() - start;
}

const pause = () => new Promise((resolve) => { setTimeout(resolve, 0); });

/**
 * Warms up until `warmSeconds` have passed, then fixes how many steps one sample takes. The first
 * step may compile: a slow one gets a second chance, unless it is hopeless.
 */
async function prepare({ spec, warmSeconds, sampleSeconds, slowSeconds }) {
  current = await build(spec);
  let first = await run(current, 1);
  if (first > slowSeconds && first < 4 * slowSeconds) first = await run(current, 1);
  if (first > slowSeconds) return { first, check: null };
  while (current.steps < 3) await run(current, 1);
  const check = await current.value();
  let perStep = first;
  for (let spent = 0, steps = 1; spent < warmSeconds;) {
    const seconds = await run(current, steps);
    perStep = seconds / steps;
    spent += seconds;
    steps = Math.max(1, Math.min(2 * steps, Math.round(warmSeconds / 4 / perStep)));
    await pause();
  }
  count = Math.max(1, Math.round(sampleSeconds / perStep));
  return { first, check };
}

/** Mean seconds of a step; reading a value afterwards keeps the work alive. */
async function sample() {
  const seconds = await run(current, count) / count;
  return { seconds, sink: await current.value() };
}

async function memoryAfterCollection() {
  for (let i = 0; i < 3; i++) { globalThis.gc?.(); await pause(); }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { rss, heapUsed, arrayBuffers };
}

/**
 * Memory before and after `steps` synchronous steps, or as many as fit into `seconds`; before
 * them a warm-up of 100 steps, or of a quarter of the time.
 */
async function memory({ spec, steps, seconds }) {
  current = await build(spec);
  const warmUntil = now() + seconds / 4;
  for (let i = 0; i < 100 && (i === 0 || now() < warmUntil); i++) await run(current, 1);
  const burst = now() < warmUntil ? 10 : 1;
  const before = await memoryAfterCollection();
  const until = now() + seconds;
  let done = 0;
  while (done < steps && now() < until) {
    await run(current, burst);
    done += burst;
  }
  return { before, after: await memoryAfterCollection(), steps: done };
}

/** Seconds from nothing loaded to the library's import, and on to a first training result. */
async function start({ spec }) {
  const begin = now();
  await load();
  const loaded = now();
  current = await build(spec);
  await run(current, 1);
  const value = await current.value();
  return { import: loaded - begin, first: now() - begin, value };
}

async function release() {
  await current?.free?.();
  current = undefined;
  globalThis.gc?.();
  return {};
}

const commands = {
  prepare, sample, memory, start, release,
  versions: async () => { await load(); return { versions: peer.versions }; },
  epoch: async ({ spec }) => (await build(spec)).run(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...options } = JSON.parse(line);
  let answer;
  try {
    answer = await commands[command](options);
  } catch (error) {
    answer = { reason: String(error?.message ?? error).split("\n")[0] };
  }
  writeSync(3, `${JSON.stringify(answer)}\n`);
}
process.exit(0);
