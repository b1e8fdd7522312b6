// Starting a worker: in Node at once, in browsers from a Blob.
import type { Control } from "./control.ts";
import { nodeWorkerSource, webWorkerSource } from "./worker-source.ts";

/** What a worker is given: all of it is shared, none copied. */
export interface WorkerData extends Control {
  readonly memory: WebAssembly.Memory;
  /** Where its own words begin. */
  readonly line: number;
}

/** A worker that was started. */
export interface WorkerHandle {
  /** Ends it; a call that it is in is cut short. */
  terminate(): void;
}

interface NodeWorker {
  on(event: "error", listener: (error: unknown) => void): void;
  on(event: "exit", listener: (code: number) => void): void;
  unref(): void;
  terminate(): Promise<number>;
}

interface NodeThreads {
  readonly Worker: new (source: string, options: object) => NodeWorker;
}

/** A module of Node by name; `undefined` where there is none. */
export function nodeModule<Module>(name: string): Module | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?(name: string): unknown } }).process;
  return host?.getBuiltinModule?.(name) as Module | undefined;
}

/** Whether workers start while the calling thread is busy; in browsers it must wait for them. */
export function startsAtOnce(): boolean {
  return nodeModule("node:worker_threads") !== undefined;
}

/**
 * Starts a worker. `onDeath` is told why it ended, if it was not the caller that ended it.
 * @throws whatever the host says where it allows no workers
 */
export function launch(data: WorkerData, onDeath: (reason: string) => void): WorkerHandle {
  const threads = nodeModule<NodeThreads>("node:worker_threads");
  return threads ? launchInNode(threads, data, onDeath) : launchInBrowser(data, onDeath);
}

/**
 * A worker that does not keep the process alive. It gets neither the flags nor the environment of
 * the process, or it would load what `--require` and `NODE_OPTIONS` name; flags of V8 hold anyway.
 */
function launchInNode(
  { Worker }: NodeThreads, data: WorkerData, onDeath: (reason: string) => void,
): WorkerHandle {
  const worker = new Worker(nodeWorkerSource, {
    eval: true, workerData: data, execArgv: [], env: {}, name: "chainrule",
  });
  worker.on("error", (error) => onDeath(String(error)));
  worker.on("exit", (code) => onDeath(`it exited with code ${code}`));
  worker.unref();
  return { terminate: () => void worker.terminate() };
}

let url: string | undefined;

function launchInBrowser(data: WorkerData, onDeath: (reason: string) => void): WorkerHandle {
  url ??= URL.createObjectURL(new Blob([webWorkerSource], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "chainrule" });
  worker.addEventListener("error", ({ message }) => onDeath(message || "its script was refused"));
  worker.postMessage(data);
  return worker;
}
