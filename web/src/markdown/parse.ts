// Markdown as models write it: blocks for React, inline HTML through a sieve.
import DOMPurify, { type Config } from "dompurify";
import { Marked, type Token, type TokenizerAndRendererExtension, type Tokens } from "marked";

interface MathToken extends Tokens.Generic {
  tex: string;
  display: boolean;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

function mathSpan(token: MathToken): string {
  return `<span data-tex="${escape(token.tex)}" data-display="${token.display ? "1" : ""}">${escape(token.raw.trim())}</span>`;
}

const blockMath: TokenizerAndRendererExtension = {
  name: "blockMath",
  level: "block",
  start: (source) => source.match(/\$\$|\\\[/)?.index,
  tokenizer(source) {
    const found = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/.exec(source);
    if (!found) return undefined;
    return { type: "blockMath", raw: found[0], tex: (found[1] ?? found[2] ?? "").trim(), display: true };
  },
  renderer: (token) => `<p>${mathSpan(token as MathToken)}</p>`,
};

// Dollars are also money: an opening one has no space after it, a closing one none before and no figure after.
const INLINE = /^(?:\\\(([\s\S]+?)\\\)|\$\$([^$\n]+?)\$\$|\$(?!\s)((?:[^$\n\\]|\\.)+?)(?<!\s)\$(?!\d))/;

const inlineMath: TokenizerAndRendererExtension = {
  name: "inlineMath",
  level: "inline",
  start: (source) => source.match(/\$|\\\(/)?.index,
  tokenizer(source) {
    const found = INLINE.exec(source);
    if (!found) return undefined;
    const tex = found[1] ?? found[2] ?? found[3] ?? "";
    return { type: "inlineMath", raw: found[0], tex: tex.trim(), display: found[2] !== undefined };
  },
  renderer: (token) => mathSpan(token as MathToken),
};

const marked = new Marked({ gfm: true, breaks: true, async: false });
marked.use({ extensions: [blockMath, inlineMath] });
marked.use({
  renderer: {
    // Pictures from elsewhere are links: loading one would tell its host who reads what.
    image({ href, text }) {
      if (/^\/api\/attachments\/[\w-]+\/content$/.test(href)) return `<img src="${escape(href)}" alt="${escape(text)}">`;
      return `<a href="${escape(href)}" data-picture="1">${escape(text || href)}</a>`;
    },
  },
});

const PLAIN = ["title", "alt", "start", "align", "colspan", "rowspan", "checked", "disabled", "type", "open", "data-tex", "data-display", "data-picture"];

const ALLOWED: Config = {
  ALLOWED_TAGS: [
    ..."p br hr strong b em i del s u sup sub kbd mark small code pre blockquote ul ol li a img span input".split(" "),
    ..."h1 h2 h3 h4 h5 h6 table thead tbody tr th td details summary dl dt dd abbr".split(" "),
  ],
  ALLOWED_ATTR: ["href", "src", ...PLAIN],
  // These hold no addresses, so the pattern for addresses is not for them.
  ADD_URI_SAFE_ATTR: PLAIN,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|\/api\/attachments\/|#)/i,
};

const DIRECTED = new Set(["P", "UL", "OL", "BLOCKQUOTE", "TABLE", "H1", "H2", "H3", "H4", "H5", "H6", "DETAILS", "DL"]);

const purify = DOMPurify(window);
purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    if (!node.getAttribute("href")) node.removeAttribute("href");
    else {
      node.setAttribute("target", "_blank");
      node.setAttribute("rel", "noopener noreferrer nofollow");
    }
  }
  // Each block runs in the direction of its own script; what is inside it follows.
  if (DIRECTED.has(node.tagName) && !node.parentElement?.closest("[dir]")) node.setAttribute("dir", "auto");
  if (node.tagName === "IMG" && !node.getAttribute("src")?.startsWith("/api/attachments/")) node.remove();
  if (node.tagName === "INPUT") {
    if (node.getAttribute("type") !== "checkbox") node.remove();
    else node.setAttribute("disabled", "");
  }
});

/** What is left of `html` once all is gone that could act, load or disguise. */
export function sanitize(html: string): string {
  return purify.sanitize(html, ALLOWED) as string;
}

export type Block =
  | { kind: "code"; raw: string; language: string; code: string; closed: boolean }
  | { kind: "table"; raw: string; html: string }
  | { kind: "html"; raw: string; html: string };

function blockOf(token: Token, links: Record<string, unknown>): Block {
  if (token.type === "code") {
    const { raw, text, lang } = token as Tokens.Code;
    return { kind: "code", raw, code: text, language: lang?.trim().split(/\s+/)[0] ?? "", closed: !/^\s*(```|~~~)/.test(raw) || /\n\s*(```|~~~)\s*$/.test(raw) };
  }
  const html = sanitize(marked.parser(Object.assign([token], { links })));
  return { kind: token.type === "table" ? "table" : "html", raw: token.raw, html };
}

const MOST_CACHED = 2_000;
const cache = new Map<string, Block>();

/** The blocks of a text. While it grows only the last one changes: the others come from a cache, by their source. */
export function blocks(text: string): Block[] {
  const tokens = marked.lexer(text);
  const links = JSON.stringify(tokens.links);
  return tokens
    .filter((token) => token.type !== "space" && token.type !== "def")
    .map((token) => {
      const key = `${token.type}\n${links}\n${token.raw}`;
      const known = cache.get(key);
      if (known) return known;
      const block = blockOf(token, tokens.links);
      if (cache.size >= MOST_CACHED) cache.clear();
      cache.set(key, block);
      return block;
    });
}
