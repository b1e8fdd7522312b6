// Takes turns: every contender gives one sample, then all the next (A B A B …).
import { setTimeout as sleep } from "node:timers/promises";
import { median, quantile } from "./statistics.js";

/** Threads of the one before (OpenMP's spin a while) come to rest before the next starts. */
const restMilliseconds = 10;

function summary(samples) {
  return { median: median(samples), low: quantile(samples, 0.25), high: quantile(samples, 0.75),
    samples };
}

/**
 * Runs one case on all `processes`; gives a cell per contender: `{ median, low, high, samples,
 * check }`, or `{ reason }`. One whose steps take longer than `pace.slowSeconds` is sampled by one
 * of them alone; one that has used `pace.budgetSeconds` up leaves the further rounds to the others.
 * `pace.brief` replaces limits for contenders with `isBrief`.
 */
export async function interleave(processes, spec, pace) {
  const cells = {};
  const running = [];
  for (const contender of processes) {
    const limits = contender.contender.isBrief ? { ...pace, ...pace.brief } : pace;
    const { warmSeconds, sampleSeconds, slowSeconds, timeoutSeconds } = limits;
    const options = { spec, warmSeconds, sampleSeconds, slowSeconds };
    const ready = await contender.ask("prepare", options, timeoutSeconds);
    if (ready.reason !== undefined) cells[contender.id] = { reason: ready.reason };
    else if (ready.first > slowSeconds) {
      cells[contender.id] = { ...summary([ready.first]), check: null, isSingle: true };
    } else running.push({ contender, limits, samples: [], check: ready.check, spent: 0 });
  }
  for (let round = 0; round < pace.rounds; round++) {
    for (const one of running) {
      if (one.reason !== undefined || one.spent > one.limits.budgetSeconds) continue;
      await sleep(restMilliseconds);
      const begin = performance.now();
      const { seconds, reason } = await one.contender.ask("sample", {},
        one.limits.timeoutSeconds);
      one.spent += (performance.now() - begin) / 1000;
      if (reason === undefined) one.samples.push(seconds);
      else one.reason = reason;
    }
  }
  for (const { contender, samples, check, reason } of running) {
    cells[contender.id] = reason === undefined ? { ...summary(samples), check } : { reason };
  }
  for (const contender of processes) {
    if (cells[contender.id].reason === undefined) await contender.ask("release");
    else contender.end();
  }
  return cells;
}

/** Cells of a figure that comes without steps: medians of the samples each contender gave. */
export function cellsOf(samplesById, reasons = {}) {
  const cells = {};
  for (const [id, samples] of Object.entries(samplesById)) {
    if (samples.length > 0) cells[id] = summary(samples);
  }
  for (const [id, reason] of Object.entries(reasons)) cells[id] = { reason };
  return cells;
}
