// Words: finds every t("...") in the sources, keeps locales/*.po in step, compiles them for the bundle.
//   node scripts/messages.mjs           write new words into the catalogs, drop unused ones
//   node scripts/messages.mjs --check   fail when a catalog is out of step or a Chinese text is missing
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { compileMessageOrThrow } from "@lingui/message-utils/compileMessage";
import PO from "pofile";
import { parseSync } from "vite";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = join(ROOT, "src");
const CATALOGS = { en: join(ROOT, "locales/en.po"), zh: join(ROOT, "locales/zh.po") };

function sources() {
  return readdirSync(SOURCES, { recursive: true })
    .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name))
    .map((name) => join(SOURCES, name))
    .sort();
}

function walk(node, visit) {
  if (Array.isArray(node)) for (const child of node) walk(child, visit);
  else if (node && typeof node === "object") {
    if (typeof node.type === "string") visit(node);
    for (const key in node) if (key !== "type") walk(node[key], visit);
  }
}

/** All texts given to t(), with the files that use them. Throws on a text that is not written out. */
function extract() {
  const found = new Map();
  for (const file of sources()) {
    const { program, errors } = parseSync(file, readFileSync(file, "utf8"));
    if (errors.length) throw new Error(`${file}: ${errors[0].message}`);
    walk(program, (node) => {
      if (node.type !== "CallExpression" || node.callee.type !== "Identifier" || node.callee.name !== "t") return;
      const [text] = node.arguments;
      if (text?.type !== "Literal" || typeof text.value !== "string") {
        throw new Error(`${relative(ROOT, file)}: t() needs its text written out, so that it can be translated`);
      }
      const name = relative(ROOT, file);
      found.set(text.value, [...new Set([...(found.get(text.value) ?? []), name])]);
    });
  }
  return found;
}

function read(locale) {
  try {
    return new Map(PO.parse(readFileSync(CATALOGS[locale], "utf8")).items.map((item) => [item.msgid, item.msgstr[0] ?? ""]));
  } catch (error) {
    if (error.code === "ENOENT") return new Map();
    throw error;
  }
}

function write(locale, found, known) {
  const po = new PO();
  po.headers = { "Content-Type": "text/plain; charset=utf-8", Language: locale };
  for (const [text, files] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const item = new PO.Item();
    item.msgid = text;
    item.references = files;
    item.msgstr = [locale === "en" ? text : (known.get(text) ?? "")];
    po.items.push(item);
  }
  writeFileSync(CATALOGS[locale], `${po.toString()}\n`);
}

/** The text that these compiled parts come from, where it needs nothing but values put in place; null for plurals and the like. */
function plain(compiled) {
  if (!compiled.every((part) => typeof part === "string" || part.length === 1)) return null;
  return compiled.map((part) => (typeof part === "string" ? part : `{${part[0]}}`)).join("");
}

/** Texts of a catalogue as lingui's runtime wants them; what equals its key is left out: `t` fills in its values. */
export function compile(locale) {
  const messages = {};
  const texts = locale === "en" ? [...extract().keys()].map((text) => [text, text]) : read(locale);
  for (const [text, translated] of texts) {
    const compiled = compileMessageOrThrow(translated || text);
    if (plain(compiled) !== text) messages[text] = compiled;
  }
  return messages;
}

/** Vite: `import("virtual:messages/zh")`. */
export function messagesPlugin() {
  const prefix = "virtual:messages/";
  return {
    name: "mecum-messages",
    resolveId: (id) => (id.startsWith(prefix) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${prefix}`)) return undefined;
      const locale = id.slice(prefix.length + 1);
      this.addWatchFile(CATALOGS[locale]);
      return `export const messages = JSON.parse(${JSON.stringify(JSON.stringify(compile(locale)))});`;
    },
  };
}

function names(text) {
  const found = new Set();
  // A part is plain text, or a placeholder: its name, and forms that hold parts themselves.
  const visit = (parts) => {
    for (const part of Array.isArray(parts) ? parts : []) {
      if (!Array.isArray(part)) continue;
      found.add(part[0]);
      for (const forms of part.slice(1)) if (forms && typeof forms === "object") Object.values(forms).forEach(visit);
    }
  };
  visit(compileMessageOrThrow(text));
  return [...found].sort().join();
}

function check(found) {
  const problems = [];
  for (const locale of Object.keys(CATALOGS)) {
    const known = read(locale);
    for (const [text, files] of found) {
      const translated = known.get(text);
      if (translated === undefined) problems.push(`${locale}: not in the catalogue (npm run messages): "${text}" in ${files[0]}`);
      else if (!translated) problems.push(`${locale}: not translated: "${text}" in ${files[0]}`);
      else if (names(translated) !== names(text)) problems.push(`${locale}: placeholders differ: "${text}"`);
    }
    for (const text of known.keys()) if (!found.has(text)) problems.push(`${locale}: no longer used (npm run messages): "${text}"`);
  }
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = extract();
  if (process.argv.includes("--check")) {
    const problems = check(found);
    for (const problem of problems) console.error(problem);
    console.log(`${found.size} texts, ${problems.length} problems`);
    process.exit(problems.length ? 1 : 0);
  }
  for (const locale of Object.keys(CATALOGS)) write(locale, found, read(locale));
  console.log(`${found.size} texts; without Chinese: ${[...read("zh")].filter(([, text]) => !text).length}`);
}
