// What the figures were measured on: goes into the header and into the JSON.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function git(...args) {
  try {
    return execFileSync("git", ["-C", root, ...args], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "";
  }
}

/** Widest vector instructions Linux reports. */
function vectors() {
  try {
    const flags = readFileSync("/proc/cpuinfo", "utf8");
    return ["avx512f", "avx2", "avx"].find((name) => flags.includes(` ${name} `)) ?? "";
  } catch {
    return "";
  }
}

export function machine() {
  const { version } = JSON.parse(readFileSync(`${root}/packages/core/package.json`, "utf8"));
  const sha = git("rev-parse", "--short", "HEAD");
  const isDirty = git("status", "--porcelain") !== "";
  return {
    cpu: [cpus()[0]?.model ?? "unknown", vectors()].filter(Boolean).join(", "),
    cores: availableParallelism(),
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `${platform()} ${release()}`,
    load: Number(loadavg()[0].toFixed(2)),
    node: process.version,
    flags: process.execArgv.join(" "),
    v8: process.versions.v8,
    chainrule: `${version} ${sha}${isDirty ? " with uncommitted changes" : ""}`,
    date: new Date().toISOString().slice(0, 16),
  };
}

/** The header in Markdown; `versions` are the peers' own. */
export function headerText(about, versions, args) {
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return [
    `# pnpm bench${args.length > 0 ? ` ${args.join(" ")}` : ""}`, "",
    `${about.cpu}; ${about.cores} cores, ${about.memory}, ${about.system}; load before the start ` +
      `${about.load}; ${about.date}`,
    `Node ${about.node} (V8 ${about.v8}${about.flags ? `, ${about.flags}` : ""}); ` +
      `chainrule ${about.chainrule}`,
    `Peers: ${peers || "none"}`, "",
    "Medians; in parentheses chainrule's time divided by the library's (below 1: chainrule is " +
      "faster),", "the median over rounds in which both ran next to each other.", "",
  ].join("\n");
}
