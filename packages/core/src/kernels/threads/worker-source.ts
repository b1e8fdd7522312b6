// What a worker executes. A string: neither bundlers nor the loaders of TypeScript can lose it.
import { at, own } from "./control.ts";

/**
 * Milliseconds for which an idle worker looks out for work before it sleeps: so much lies between
 * steps of one training step, and to wake a worker costs the caller 10 µs. Where the caller runs
 * on the same processor that is in vain and stops it, which made steps of 40 µs 1.5× slower; so
 * after each time in vain a worker sleeps at once twice as often, up to the number below.
 */
const ALERT = 0.5;
const MAX_UNALERT = 64;

/** Kernels that a worker keeps compiled; it forgets all when there are more. */
const MAX_KERNELS = 1024;

/**
 * Defines `serve(data)`, which never returns: it runs calls as they come, and sleeps in
 * `Atomics.wait` while there are none. A call that throws is marked as such: the caller does it
 * again, and so gets the same error.
 */
const serve = `"use strict";
const serve = ({ memory, words, done, args, code, line }) => {
  const runs = new Map();

  const kernel = () => {
    const id = words[${at.kernel}];
    let run = runs.get(id);
    if (run === undefined) {
      const start = words[${at.codeStart}];
      const module = new WebAssembly.Module(code.slice(start, start + words[${at.codeBytes}]));
      run = new WebAssembly.Instance(module, { env: { memory }, Math }).exports.run;
      if (runs.size === ${MAX_KERNELS}) runs.clear();
      runs.set(id, run);
    }
    return run;
  };

  const claim = () => {
    for (;;) {
      const left = Atomics.load(words, ${at.unclaimed});
      if (left === 0) return -1;
      if (Atomics.compareExchange(words, ${at.unclaimed}, left, left - 1) === left) {
        return words[${at.count}] - left;
      }
    }
  };

  const perform = (index) => {
    let mark = words[${at.mark}];
    try {
      const call = words[${at.usesScratch}] ? [words[line + ${own.scratch}]] : [];
      const arity = words[${at.arity}];
      for (let i = index * arity; i < (index + 1) * arity; i++) call.push(args[i]);
      kernel()(...call);
    } catch {
      mark = -mark;
    }
    Atomics.store(done, index, mark);
    if (Atomics.load(words, ${at.callerSleeps})) Atomics.notify(done, index);
  };

  const wake = line + ${own.wake};
  const pause = Atomics.pause ?? (() => {});
  let penalty = 0.25;
  let unalert = 0;
  const lookOut = (seen) => {
    const end = performance.now() + ${ALERT};
    do {
      for (let i = 0; i < 50; i++) {
        if (Atomics.load(words, wake) !== seen) return true;
        pause();
      }
    } while (performance.now() < end);
    return false;
  };

  const sleep = (seen) => {
    if (--unalert < 0) {
      const isFound = lookOut(seen);
      penalty = isFound ? 0.25 : Math.min(2 * penalty, ${MAX_UNALERT});
      unalert = Math.floor(penalty);
      if (isFound) return;
    }
    Atomics.store(words, line + ${own.sleeps}, 1);
    Atomics.wait(words, wake, seen);
    Atomics.store(words, line + ${own.sleeps}, 0);
  };

  Atomics.store(words, line + ${own.isReady}, 1);
  for (let seen = 0;;) {
    sleep(seen);
    seen = Atomics.load(words, wake);
    for (let index = claim(); index >= 0; index = claim()) perform(index);
  }
};
`;

/** A script for `worker_threads`, where the data are there from the start. */
export const nodeWorkerSource =
  `${serve}serve(process.getBuiltinModule("node:worker_threads").workerData);`;

/** A script for browsers, where the data are the first message. */
export const webWorkerSource = `${serve}onmessage = ({ data }) => serve(data);`;
