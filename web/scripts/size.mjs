// The JavaScript that a browser must have before the first page works, gzipped. Fails above a budget. --list names the files.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const CLIENT = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "src/mecum/surfaces/web/client");
const BUDGETS = [
  // What the document itself asks for, with the words: the house without a page.
  { name: "initial", bytes: 130_000, chunks: ["index.html", "virtual:messages/en"] },
  { name: "new page", bytes: 142_000, chunks: ["index.html", "virtual:messages/en", "src/newpage/NewPage.tsx"] },
  { name: "conversation", bytes: 148_000, chunks: ["index.html", "virtual:messages/en", "src/thread/ThreadPage.tsx"] },
];

const manifest = JSON.parse(readFileSync(join(CLIENT, ".vite/manifest.json"), "utf8"));
const size = (file) => gzipSync(readFileSync(join(CLIENT, file)), { level: 9 }).length;

function closure(keys) {
  const seen = new Set();
  const visit = (key) => {
    if (seen.has(key) || !manifest[key]) return;
    seen.add(key);
    for (const next of manifest[key].imports ?? []) visit(next);
  };
  keys.forEach(visit);
  return [...seen].map((key) => manifest[key].file).filter((file) => file.endsWith(".js"));
}

const keys = Object.keys(manifest);
let over = false;
for (const { name, bytes, chunks } of BUDGETS) {
  const files = closure(chunks.map((wanted) => keys.find((key) => key.endsWith(wanted)) ?? wanted));
  const total = files.reduce((sum, file) => sum + size(file), 0);
  console.log(`${name}: ${total} of ${bytes} bytes of JavaScript gzipped, ${files.length} files`);
  for (const file of process.argv.includes("--list") ? files : []) console.log(`  ${String(size(file)).padStart(7)}  ${file}`);
  over ||= total > bytes;
}
if (over) {
  console.error("Over the budget: load something later (React.lazy, import()) or do without it.");
  process.exit(1);
}
