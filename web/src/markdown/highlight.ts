// Light colouring of code: the engine and each language are loaded when first needed.
import type { HLJSApi, LanguageFn } from "highlight.js";
import { useEffect, useState } from "react";

type Loader = () => Promise<{ default: LanguageFn }>;

const LANGUAGES: Record<string, { name: string; load: Loader }> = {
  bash: { name: "Shell", load: () => import("highlight.js/lib/languages/bash") },
  c: { name: "C", load: () => import("highlight.js/lib/languages/c") },
  cpp: { name: "C++", load: () => import("highlight.js/lib/languages/cpp") },
  csharp: { name: "C#", load: () => import("highlight.js/lib/languages/csharp") },
  css: { name: "CSS", load: () => import("highlight.js/lib/languages/css") },
  diff: { name: "Diff", load: () => import("highlight.js/lib/languages/diff") },
  go: { name: "Go", load: () => import("highlight.js/lib/languages/go") },
  java: { name: "Java", load: () => import("highlight.js/lib/languages/java") },
  javascript: { name: "JavaScript", load: () => import("highlight.js/lib/languages/javascript") },
  json: { name: "JSON", load: () => import("highlight.js/lib/languages/json") },
  kotlin: { name: "Kotlin", load: () => import("highlight.js/lib/languages/kotlin") },
  lua: { name: "Lua", load: () => import("highlight.js/lib/languages/lua") },
  php: { name: "PHP", load: () => import("highlight.js/lib/languages/php") },
  python: { name: "Python", load: () => import("highlight.js/lib/languages/python") },
  r: { name: "R", load: () => import("highlight.js/lib/languages/r") },
  ruby: { name: "Ruby", load: () => import("highlight.js/lib/languages/ruby") },
  rust: { name: "Rust", load: () => import("highlight.js/lib/languages/rust") },
  sql: { name: "SQL", load: () => import("highlight.js/lib/languages/sql") },
  swift: { name: "Swift", load: () => import("highlight.js/lib/languages/swift") },
  toml: { name: "TOML", load: () => import("highlight.js/lib/languages/ini") },
  typescript: { name: "TypeScript", load: () => import("highlight.js/lib/languages/typescript") },
  xml: { name: "HTML", load: () => import("highlight.js/lib/languages/xml") },
  yaml: { name: "YAML", load: () => import("highlight.js/lib/languages/yaml") },
};

const ALIASES: Record<string, string> = {
  sh: "bash", shell: "bash", zsh: "bash", console: "bash", "c++": "cpp", cs: "csharp", js: "javascript", jsx: "javascript", mjs: "javascript",
  jsonc: "json", kt: "kotlin", py: "python", python3: "python", rb: "ruby", rs: "rust", ini: "toml", ts: "typescript", tsx: "typescript",
  html: "xml", svg: "xml", yml: "yaml", patch: "diff", golang: "go",
};

/** Longer code is shown without colours: colouring would hold up the page. */
const LONGEST = 60_000;
/** The same while it is still being written, when it would be coloured anew many times a second. */
const LONGEST_OPEN = 8_000;

let engine: HLJSApi | null = null;
const ready = new Set<string>();

function known(language: string): string {
  const lower = language.toLowerCase();
  return ALIASES[lower] ?? lower;
}

export function languageName(language: string): string {
  return LANGUAGES[known(language)]?.name ?? language;
}

async function load(language: string): Promise<void> {
  const entry = LANGUAGES[language];
  if (!entry) return;
  const [core, grammar] = await Promise.all([import("highlight.js/lib/core"), entry.load()]);
  engine = core.default;
  engine.registerLanguage(language, grammar.default);
  ready.add(language);
}

/** Coloured HTML of the code, or null while that is not there (the engine escapes what it is given). */
export function useHighlight(code: string, language: string, open: boolean): string | null {
  const name = known(language);
  const [, setLoaded] = useState(ready.has(name));
  useEffect(() => {
    if (!ready.has(name) && name in LANGUAGES) void load(name).then(() => setLoaded(true));
  }, [name]);
  if (!engine || !ready.has(name) || code.length > (open ? LONGEST_OPEN : LONGEST)) return null;
  return engine.highlight(code, { language: name, ignoreIllegals: true }).value;
}
