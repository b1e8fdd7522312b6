// Installs the peers into bench/node_modules when they are missing, as the lockfile has them.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** `false` when the peers could not be installed: their columns then say so. */
export function installPeers() {
  const { dependencies } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
  const isThere = (name) => existsSync(`${folder}node_modules/${name}/package.json`);
  if (Object.keys(dependencies).every(isThere)) return true;
  console.error("bench: installing the peers into bench/node_modules");
  // Without scripts: js-pytorch's GPU dependency would compile native code that no case uses.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2] });
  return status === 0;
}
