// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { blocks, sanitize } from "./parse";

function html(text: string): string {
  return blocks(text)
    .map((block) => (block.kind === "code" ? `[${block.language}]` : block.html))
    .join("");
}

describe("what a model writes", () => {
  it.each([
    ["<script>alert(1)</script>", /script/],
    ["<img src=x onerror=alert(1)>", /img|onerror/],
    ['<a href="javascript:alert(1)">x</a>', /javascript/],
    ["[x](javascript:alert(1))", /javascript/],
    ["[x](data:text/html,hi)", /data:/],
    ["[x](vbscript:x)", /vbscript/],
    ['<p style="position:fixed" class="dialog" id="write">x</p>', /style|class|id=/],
    ["<iframe src='https://example.org'></iframe>", /iframe/],
    ["<form action='/api/me'><input name=a><button>go</button></form>", /form|button|<input/],
    ["<svg><a xlink:href='javascript:x'>x</a></svg>", /svg|xlink/],
    ["<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", /onerror|style|mglyph/],
    ["<details ontoggle=alert(1) open>x</details>", /ontoggle/],
    ["<base href='https://evil.example/'>", /base/],
    ["<link rel=stylesheet href='https://evil.example'>", /link/],
  ])("can't act: %s", (text, bad) => {
    expect(html(text)).not.toMatch(bad);
  });

  it("loads no picture from elsewhere: it becomes a link", () => {
    const out = html("![A chart](https://example.com/chart.png)");
    expect(out).not.toContain("<img");
    expect(out).toContain('href="https://example.com/chart.png"');
    expect(html("![mine](/api/attachments/att_1/content)")).toContain('<img src="/api/attachments/att_1/content"');
    expect(sanitize('<img src="/api/session">')).toBe("");
  });

  it("opens links elsewhere without telling who comes", () => {
    expect(html("[x](https://example.org/a?b=1)")).toMatch(/target="_blank" rel="noopener noreferrer nofollow"/);
  });

  it("takes dollars for money unless they hold a formula", () => {
    expect(html("It costs $5 or $10.")).not.toContain("data-tex");
    expect(html("So $a^2$ holds and \\(b\\) too.")).toMatch(/data-tex="a\^2".*data-tex="b"/s);
    expect(html("$$\\frac{1}{2}$$")).toMatch(/data-tex="\\frac\{1\}\{2\}" data-display="1"/);
  });

  it("keeps the sides of table cells and the start of lists", () => {
    expect(html("| a |\n| --: |\n| 1 |")).toContain('align="right"');
    expect(html("3. three")).toContain('start="3"');
  });

  it("runs each block in the direction of its script", () => {
    expect(html("مرحبا\n\n- نقطة\n\n> اقتباس")).toMatch(/<p dir="auto">.*<ul dir="auto">.*<blockquote dir="auto">/s);
  });

  it("knows whether code is still being written", () => {
    expect(blocks("```py\nx = 1")[0]).toMatchObject({ kind: "code", language: "py", closed: false });
    expect(blocks("```py\nx = 1\n```")[0]).toMatchObject({ closed: true, code: "x = 1" });
  });

  it("gives the same block again while the text grows below it", () => {
    const first = blocks("One.\n\nTw")[0];
    expect(blocks("One.\n\nTwo and more")[0]).toBe(first);
  });
});
