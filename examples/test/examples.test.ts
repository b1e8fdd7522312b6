// The examples run, and reach what they assert.
import { expect, test, vi } from "vitest";

test.each(["linear-regression", "xor", "three-losses", "depth-needs-nonlinearity"])(
  "%s reaches its result", async (name) => {
    const said: string[] = [];
    const log = vi.spyOn(console, "log").mockImplementation((line: unknown) => {
      said.push(String(line));
    });
    try {
      await import(`../src/${name}.ts`);
    } finally {
      log.mockRestore();
    }
    expect(said.at(-1)).toMatch(/^checked: /);
  });
