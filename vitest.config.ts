import { defineConfig } from "vitest/config";

/** Tests run the TypeScript sources: the `chainrule-source` condition needs no build. */
export default defineConfig({
  resolve: { conditions: ["chainrule-source"] },
  ssr: { resolve: { conditions: ["chainrule-source"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/test/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
