// The parent's side of a contender: starts its process, asks, and ends it when it takes too long.
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The first Python that has PyTorch; the variable `PYTHON` names one. */
function findPython() {
  const known = [process.env.PYTHON, "python3", "/usr/bin/python3"].filter(Boolean);
  const hasTorch = "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)";
  return known.find((file) => spawnSync(file, ["-c", hasTorch]).status === 0) ?? known[0];
}

const python = findPython();

/** Node reads extra certificates at every start, which some machines name: 5 to 50 ms. */
export const withoutCertificates = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };

function command({ module, settings }) {
  const options = JSON.stringify(settings);
  if (module.endsWith(".py")) return [python, [here(`peers/${module}`), options]];
  const flags = [...process.execArgv, "--expose-gc"];
  return [process.execPath, [...flags, here("worker.js"), module, options]];
}

/** One contender; its process starts with the first question and again after it was ended. */
export class ContenderProcess {
  #child;
  #waiting;
  #errors = "";

  constructor(contender) {
    this.contender = contender;
    this.id = contender.id;
  }

  #launch() {
    const [file, args] = command(this.contender);
    const child = spawn(file, args, {
      cwd: here("."),
      env: { ...withoutCertificates, ...this.contender.env },
      stdio: ["pipe", "ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#errors = "";
    child.stderr.on("data", (data) => { this.#errors = (this.#errors + data).slice(-4000); });
    child.stdin.on("error", () => {});
    createInterface({ input: child.stdio[3] }).on("line", (line) => this.#answer(JSON.parse(line)));
    child.on("error", (error) => this.#gone(child, error.message));
    child.on("close", (code, signal) => {
      const last = this.#errors.trim().split("\n").at(-1);
      this.#gone(child, `its process ended (${signal ?? code})${last ? `: ${last}` : ""}`);
    });
  }

  #answer(answer) {
    const resolve = this.#waiting;
    this.#waiting = undefined;
    resolve?.(answer);
  }

  #gone(child, reason) {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#answer({ reason });
  }

  /** Sends a command; the answer has a `reason` when there is no result. */
  ask(command, options = {}, timeoutSeconds = 120) {
    if (this.#child === undefined) this.#launch();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#answer({ reason: `no answer within ${timeoutSeconds} s` });
        this.end();
      }, timeoutSeconds * 1000);
      this.#waiting = (answer) => { clearTimeout(timer); resolve(answer); };
      this.#child.stdin.write(`${JSON.stringify({ command, ...options })}\n`);
    });
  }

  /** Ends the process; another question starts a new one. */
  end() {
    const child = this.#child;
    this.#child = undefined;
    child?.kill("SIGKILL");
  }
}
