import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSseParser, type SseFrame } from "./parse";

function parse(chunks: string[]): SseFrame[] {
  const frames: SseFrame[] = [];
  const feed = createSseParser((frame) => frames.push(frame));
  for (const chunk of chunks) feed(chunk);
  return frames;
}

describe("an event stream", () => {
  it("gives name, id and data of a frame", () => {
    expect(parse(["event: delta\nid: 3:1:7\ndata: {}\n\n"])).toEqual([{ event: "delta", id: "3:1:7", data: "{}" }]);
  });
  it("joins several data lines and calls a frame without a name message", () => {
    expect(parse(["data: a\ndata: b\n\n"])).toEqual([{ event: "message", id: "", data: "a\nb" }]);
  });
  it("keeps the last id for frames that have none", () => {
    expect(parse(["id: 1\ndata: a\n\ndata: b\n\n"]).map((frame) => frame.id)).toEqual(["1", "1"]);
  });
  it("skips comments, unknown fields and frames without data", () => {
    expect(parse([": hello\nretry: 5\n\nevent: x\n\ndata:y\n\n"])).toEqual([{ event: "message", id: "", data: "y" }]);
  });
  it("drops a byte order mark and a frame that is cut off", () => {
    expect(parse(["\uFEFFdata: a\n\ndata: half"])).toEqual([{ event: "message", id: "", data: "a" }]);
  });
  it("ends lines at LF, CRLF and CR alike", () => {
    expect(parse(["data: a\r\ndata: b\rdata: c\n\r\n", "data: d\r\r"]).map((frame) => frame.data)).toEqual(["a\nb\nc"]);
    expect(parse(["data: d\r\r", "data: e\n\n"]).map((frame) => frame.data)).toEqual(["d", "e"]);
  });
  it("gives the same frames wherever the stream is cut", () => {
    const ends = fc.constantFrom("\n", "\r\n", "\r");
    const lines = fc.array(fc.constantFrom("data: 你好 😀", "data:x", "id: 5", "event: e", ": c", "", "data: a:b"), { maxLength: 20 });
    fc.assert(
      fc.property(lines, ends, fc.array(fc.nat(200), { maxLength: 8 }), (rows, end, cuts) => {
        const text = `${rows.join(end)}${end}${end}x`;
        const at = [...new Set(cuts.map((cut) => cut % text.length))].sort((a, b) => a - b);
        const chunks = [...at, text.length].map((to, index) => text.slice(index === 0 ? 0 : at[index - 1], to));
        expect(parse(chunks)).toEqual(parse([text]));
      }),
    );
  });
});
