// For benchmarks of single parts: modules of packages/*/src on any Node, without a build. What
// users import is measured on dist instead.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));
const cache = fileURLToPath(new URL("../.cache/bench/", import.meta.url));

let bundles = 0;

/** All exports of the modules, such as `"core/src/index.ts"`; one instance of what they share. */
export async function sources(...modules) {
  const entry = "bench-entry";
  const bundled = await rolldown({
    input: entry,
    platform: "neutral",
    external: /^node:/,
    resolve: { conditionNames: ["chainrule-source"] },
    plugins: [{
      name: entry,
      resolveId: (id) => (id === entry ? id : null),
      load: (id) => (id === entry ? modules.map((module) =>
        `export * from ${JSON.stringify(join(packages, module))};`).join("\n") : null),
    }],
  });
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `${process.pid}-${bundles++}.js`);
  await bundled.write({ file, format: "esm", codeSplitting: false });
  await bundled.close();
  const exports = await import(pathToFileURL(file).href);
  rmSync(file);
  return exports;
}
