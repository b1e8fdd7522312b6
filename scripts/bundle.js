// Bundles packages/*/src into dist: one file; where there are several entry points, they share it.
// Node needs 0.5 ms for each module of an import, and core alone has more than a hundred. Types
// come from tsc. Names and line breaks stay, so that it can be read: without them, import and first
// step would take 5 % fewer instructions (callgrind) and 8 % less time (shortest of 21 processes).
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Sources of the entry points by their names in dist, as the package's `exports` have them. */
function entryPoints(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.fromEntries(Object.values(exports).map((conditions) =>
    [basename(conditions.default, ".js"), join(folder, conditions["chainrule-source"])]));
}

/** A warning ends the build: a name that nobody exports is one. */
function refuseWarnings(level, { message }) {
  if (level === "warn") throw new Error(`bundle: ${message}`);
}

/**
 * Only what V8 has to read: comments are in src. It keeps a text in two bytes per character where
 * one is beyond Latin-1. Together 6 % of the instructions of import and first step (callgrind).
 */
const written = {
  comments: false,
  minify: {
    compress: false, mangle: false, codegen: { asciiOnly: true, removeWhitespace: false },
  },
  topLevelVar: true, // a constant's every use would ask whether it is initialised
};

/** Names of the files written to the package's dist. */
async function bundle(folder) {
  const input = entryPoints(folder);
  const isOne = Object.keys(input).length === 1;
  const bundled = await rolldown({
    input,
    external: /^(@chainrule\/|node:)/, // siblings stay imports: there is only one core
    platform: "neutral",
    cwd: root,
    onLog: refuseWarnings,
  });
  const { output } = await bundled.write({
    dir: join(folder, "dist"),
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    codeSplitting: isOne ? false : { groups: [{ name: "shared", test: /./ }] },
    minifyInternalExports: false,
    ...written,
    keepNames: true, // printed models show the names of classes
    sourcemap: true,
    sourcemapExcludeSources: true, // src is published as well
  });
  await bundled.close();
  return output.map(({ fileName }) => fileName);
}

/** Removes the JavaScript that earlier builds left in dist. */
function removeOthers(dist, files) {
  for (const name of readdirSync(dist, { recursive: true })) {
    if (/\.js(\.map)?$/.test(name) && !files.includes(name)) rmSync(join(dist, name));
  }
}

for (const name of readdirSync(join(root, "packages"))) {
  const folder = join(root, "packages", name);
  removeOthers(join(folder, "dist"), await bundle(folder));
}
