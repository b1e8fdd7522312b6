// The page docs/ops.md, made from the op table and the comments of its entries.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { table } from "@chainrule/core/internal";
import { filesUnder, root } from "./blocks.ts";

const folder = join(root, "packages/core/src/ops");

interface Entry { readonly name: string; readonly comment: string }

/** PyTorch's name of an op: the naming rule backwards. */
function pytorchName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Names and first comment lines of the ops that a family file exports, in its order. */
function entriesOf(file: string): Entry[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"),
    ts.ScriptTarget.Latest, true);
  return source.statements.filter(ts.isVariableStatement).flatMap((statement) => {
    const [declaration] = statement.declarationList.declarations;
    const [comment] = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc);
    const name = nameOf(declaration);
    if (name === null || comment === undefined || !table.has(name)) return [];
    const text = ts.getTextOfJSDocComment(comment.comment) ?? "";
    return [{ name, comment: text.split("\n\n")[0].replace(/\s+/g, " ") }];
  });
}

/** The `name` of the entry that a constant is initialised with. */
function nameOf(declaration: ts.VariableDeclaration): string | null {
  const call = declaration.initializer;
  if (call === undefined || !ts.isCallExpression(call)) return null;
  const [description] = call.arguments;
  if (description === undefined || !ts.isObjectLiteralExpression(description)) return null;
  for (const property of description.properties) {
    if (ts.isPropertyAssignment(property) && property.name.getText() === "name" &&
      ts.isStringLiteral(property.initializer)) return property.initializer.text;
  }
  return null;
}

function row({ name, comment }: Entry): string {
  const { kind, inPlace, formula } = table.get(name)!.definition;
  const variants = inPlace === null ? `\`${name}\`` : `\`${name}\`, \`${name}_\``;
  const cell = (text: string) => text.replaceAll("|", "\\|");
  return `| ${variants} | \`${pytorchName(name)}\` | ` +
    `${formula === undefined ? "" : cell(formula)} | ${kind} | ${cell(comment)} |`;
}

/** The page as Markdown. */
export function opsPage(): string {
  const families = filesUnder(folder, ".ts").map((file) => ({ file, entries: entriesOf(file) }))
    .filter(({ entries }) => entries.length > 0);
  const sections = families.map(({ file, entries }) =>
    `## ${relative(folder, file).replace(".ts", "")}\n\n` +
    "| op | PyTorch | formula | kind | |\n| --- | --- | --- | --- | --- |\n" +
    entries.map(row).join("\n"));
  return "# Operations\n\n" +
    "Every op of the table, by family, as a method (`x.exp()`) and as a function (`exp(x)`). A " +
    "name with `_` also works in\nplace. *Pointwise* ops are expressions, their gradients are " +
    "derived; *primitives* have a kernel and gradient rules\nof their own; *views* share memory; " +
    "*composites* are made of other ops. This page is generated: `pnpm docs:ops`.\n\n" +
    `${sections.join("\n\n")}\n`;
}
