// What mnist-mlp can be told, and how it refuses what it cannot use.
import { expect, test } from "vitest";
import { parseOptions } from "../src/command-line.ts";

test("without arguments there are ten epochs from seed 0", () => {
  expect(parseOptions([])).toEqual({ data: undefined, epochs: 10, seed: 0 });
});

test("options may follow the -- of a package manager", () => {
  expect(parseOptions(["--", "--data", "digits", "--epochs=3", "--seed=-7"]))
    .toEqual({ data: "digits", epochs: 3, seed: -7 });
});

test.each([
  [["--epochs", "0"], "--epochs must be at least 1, got 0"],
  [["--epochs", "1.5"], '--epochs must be a whole number, got "1.5"'],
  [["--epochs", ""], '--epochs must be a whole number, got ""'],
  [["--seed", "x"], '--seed must be a whole number, got "x"'],
  [["--seed", "1e400"], '--seed must be a whole number, got "1e400"'],
  [["--data", ""], "--data must name a folder, got nothing"],
  [["--epochs"], "argument missing"],
  [["--sede", "1"], "Unknown option '--sede'"],
])("%j is refused", (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
