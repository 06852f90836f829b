// House rules of the client that a machine can check.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";

const LINES = 250;
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const problems = [];
// What people read in more than one language: never written in a component.
// Names that are the same everywhere.
const NAMES = new Set(["Mecum", "Esc"]);
const WORDED = new Set(["aria-label", "title", "placeholder", "alt", "label", "hint"]);

function walk(node, visit) {
  if (Array.isArray(node)) for (const child of node) walk(child, visit);
  else if (node && typeof node === "object") {
    if (typeof node.type === "string") visit(node);
    for (const key in node) if (key !== "type") walk(node[key], visit);
  }
}

function checkComponent(name, text) {
  const { program } = parseSync(name, text);
  const lineOf = (node) => text.slice(0, node.start).split("\n").length;
  walk(program, (node) => {
    if (node.type === "JSXText" && !NAMES.has(node.value.trim()) && /\p{L}{2}/u.test(node.value)) {
      problems.push(`${name}:${lineOf(node)} words outside t(): "${node.value.trim()}"`);
    }
    if (node.type === "JSXAttribute" && WORDED.has(node.name.name) && node.value?.type === "Literal" && !NAMES.has(node.value.value) && !node.value.value.startsWith("https://") && /\p{L}{2}/u.test(node.value.value)) {
      problems.push(`${name}:${lineOf(node)} words outside t(): ${node.name.name}="${node.value.value}"`);
    }
  });
}

for (const entry of readdirSync(join(ROOT, "src"), { recursive: true })) {
  if (!/\.(tsx?|css)$/.test(entry)) continue;
  const text = readFileSync(join(ROOT, "src", entry), "utf8");
  const lines = text.split("\n").length - 1;
  if (lines > LINES && !entry.endsWith(".css")) problems.push(`${entry}: ${lines} lines, at most ${LINES}: take a part out`);
  if (!entry.endsWith("tokens.css") && /#[0-9a-f]{6}\b/i.test(text)) problems.push(`${entry}: a colour outside styles/tokens.css`);
  if (entry.endsWith(".tsx") && !entry.includes(".test.")) checkComponent(entry, text);
}
for (const problem of problems) console.error(problem);
console.log(`rules: ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
