// The command line of mnist-mlp; what cannot be used ends the run with one line that says why.
import { parseArgs } from "node:util";

/** What a run can be told. */
export interface Options {
  /** Folder of the IDX files. */
  readonly data: string | undefined;
  readonly epochs: number;
  readonly seed: number;
}

/**
 * The options among the arguments of a command.
 * @throws for options that do not exist and values that cannot be used
 */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== "--"), // npm swallows it, pnpm passes it on
    options: {
      data: { type: "string" },
      epochs: { type: "string", default: "10" },
      seed: { type: "string", default: "0" },
    },
  });
  const [epochs, seed] = [wholeNumber("epochs", values.epochs), wholeNumber("seed", values.seed)];
  if (epochs < 1) throw new Error(`--epochs must be at least 1, got ${epochs}`);
  if (values.data === "") throw new Error("--data must name a folder, got nothing");
  return { data: values.data, epochs, seed };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value)) return value;
  throw new Error(`--${name} must be a whole number, got ${JSON.stringify(text)}`);
}

/** The options of this process. */
export function commandLine(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    return endWith(error);
  }
}

/** Ends the process with the message of an error. */
export function endWith(error: unknown): never {
  console.error((error as Error).message);
  console.error("usage: mnist-mlp [--data FOLDER] [--epochs N] [--seed N]");
  process.exit(2);
}
