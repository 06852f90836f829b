// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Following, follow, type Link } from "./follow";
import type { SseFrame } from "./parse";

/** A stand-in for the server: each connection is one stream that the test writes to and ends. */
class Line {
  readonly seen: string[] = [];
  readonly streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  answers: (number | "refuse" | { status: number; retryAfter: string })[] = [];

  readonly fetch = async (_url: string, init: RequestInit): Promise<Response> => {
    this.seen.push(new Headers(init.headers).get("Last-Event-ID") ?? "");
    const answer = this.answers.shift();
    if (answer === "refuse") throw new TypeError("refused");
    if (typeof answer === "object") {
      return new Response(JSON.stringify({ code: "too_many_streams" }), { status: answer.status, headers: { "Retry-After": answer.retryAfter } });
    }
    if (answer) return new Response(JSON.stringify({ code: "x" }), { status: answer });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.streams.push(controller);
        init.signal?.addEventListener("abort", () => controller.error(new DOMException("gone", "AbortError")));
      },
    });
    return new Response(body, { status: 200 });
  };

  say(text: string, at = -1): void {
    this.streams.at(at)?.enqueue(new TextEncoder().encode(text));
  }
}

let line: Line;
let position = "";
let frames: SseFrame[] = [];
let links: Link[] = [];
let refused: number | null = null;
let reasons: (string | null)[] = [];
let following: Following;

async function settle(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

beforeEach(async () => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  [line, position, frames, links, refused, reasons] = [new Line(), "", [], [], null, []];
  vi.stubGlobal("fetch", line.fetch);
  following = follow({
    url: () => "/api/x",
    position: () => position,
    onFrame: (frame) => {
      frames.push(frame);
      position = frame.id;
    },
    onLink: (link, _, why) => {
      links.push(link);
      if (link === "waiting") reasons.push(why?.code ?? null);
    },
    onRefused: (error) => {
      refused = error.status;
    },
  });
  await settle();
});

afterEach(() => {
  following.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("a stream that is followed", () => {
  it("is taken up again where it stood, a moment after it ended", async () => {
    line.say("id: 7\ndata: a\n\n");
    await settle();
    line.streams[0]?.close();
    await settle();
    expect(links).toEqual(["connecting", "open", "waiting"]);
    await settle(600);
    line.say("id: 8\ndata: b\n\n");
    await settle();
    expect(line.seen).toEqual(["", "7"]);
    expect(frames.map((frame) => frame.data)).toEqual(["a", "b"]);
  });

  it("is tried in growing pauses while the server is away, and at once when the network is back", async () => {
    line.answers = ["refuse", "refuse", 503, "refuse"];
    line.streams[0]?.close();
    await settle(500);
    expect(line.seen).toHaveLength(2);
    await settle(900);
    expect(line.seen).toHaveLength(2);
    await settle(200);
    expect(line.seen).toHaveLength(3);
    window.dispatchEvent(new Event("online"));
    await settle();
    expect(line.seen).toHaveLength(4);
  });

  it("is tried again no sooner than the server wants, and says why it waits", async () => {
    line.answers = [{ status: 429, retryAfter: "30" }];
    line.streams[0]?.close();
    await settle(500);
    expect(reasons).toEqual([null, "too_many_streams"]);
    await settle(29_000);
    expect(line.seen).toHaveLength(2);
    await settle(2_000);
    expect(line.seen).toHaveLength(3);
    expect(links.at(-1)).toBe("open");
    expect(refused).toBeNull();
  });

  it("is given up when the server says that there is nothing", async () => {
    line.answers = [404];
    line.streams[0]?.close();
    await settle(60_000);
    expect(refused).toBe(404);
    expect(line.seen).toHaveLength(2);
  });

  it("is opened anew after a long silence: the line may be dead without anybody having said so", async () => {
    await settle(30_000);
    line.say(": ping\n\n");
    await settle(30_000);
    expect(line.seen).toHaveLength(1);
    await settle(20_000);
    expect(line.seen).toHaveLength(2);
  });

  it("connects again without a pause when asked to", async () => {
    position = "5";
    following.again();
    await settle();
    expect(line.seen).toEqual(["", "5"]);
    expect(links).not.toContain("waiting");
  });

  it("says nothing more after it was stopped", async () => {
    following.stop();
    await settle(60_000);
    expect(line.seen).toHaveLength(1);
    expect(frames).toEqual([]);
  });
});
