// The page docs/ops.md, made from the op table and the comments of its entries.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { table, type Op, type Signature } from "@chainrule/core/internal";
import { filesUnder, root } from "./blocks.ts";

const folder = join(root, "packages/core/src/ops");

interface Entry { readonly name: string; readonly comment: string }

/** PyTorch's name of an op: the naming rule backwards. */
function pytorchName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Names and first comment paragraphs of the ops that a family file exports, in its order. */
async function entriesOf(file: string): Promise<Entry[]> {
  const family = await import(pathToFileURL(file).href) as Record<string, unknown>;
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"),
    ts.ScriptTarget.Latest, true);
  const exported = exportedNames(source);
  return source.statements.filter(ts.isVariableStatement).flatMap((statement) => {
    const [declaration] = statement.declarationList.declarations;
    const [comment] = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc);
    const local = declaration!.name.getText();
    const op = family[exported.get(local) ?? local] as Partial<Op<Signature>> | undefined;
    const name = op?.definition?.name;
    if (name === undefined || comment === undefined || table.get(name) !== op) return [];
    const text = ts.getTextOfJSDocComment(comment.comment) ?? "";
    return [{ name, comment: text.split("\n\n")[0]!.replace(/\s+/g, " ") }];
  });
}

/** What `export { local as exported }` renames. */
function exportedNames(source: ts.SourceFile): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const statement of source.statements) {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined) continue;
    if (!ts.isNamedExports(statement.exportClause)) continue;
    for (const { propertyName, name } of statement.exportClause.elements) {
      if (propertyName !== undefined) names.set(propertyName.text, name.text);
    }
  }
  return names;
}

function row({ name, comment }: Entry): string {
  const { kind, inPlace, formula } = table.get(name)!.definition;
  const variants = inPlace === null ? `\`${name}\`` : `\`${name}\`, \`${name}_\``;
  const cell = (text: string) => text.replaceAll("|", "\\|");
  return `| ${variants} | \`${pytorchName(name)}\` | ` +
    `${formula === undefined ? "" : cell(formula)} | ${kind} | ${cell(comment)} |`;
}

/** The page as Markdown. */
export async function opsPage(): Promise<string> {
  const files = filesUnder(folder, ".ts");
  const families = (await Promise.all(files.map(async (file) =>
    ({ file, entries: await entriesOf(file) })))).filter(({ entries }) => entries.length > 0);
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
