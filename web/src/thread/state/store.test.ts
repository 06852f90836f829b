// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LogEvent } from "~/api/events";
import { event, log, RUN } from "./fixtures";
import { reduce } from "./reducer";
import { ThreadStore } from "./store";
import { EMPTY } from "./model";

const whole = reduce(EMPTY, { type: "page", events: log });
let stored: LogEvent[] = [];
let stream: ReadableStreamDefaultController<Uint8Array> | null = null;
let positions: string[] = [];
let store: ThreadStore;
let close: () => void;

async function answer(url: string, init: RequestInit): Promise<Response> {
  if (url.includes("stream=1")) {
    positions.push(new Headers(init.headers).get("Last-Event-ID") ?? "");
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        stream = controller;
        init.signal?.addEventListener("abort", () => controller.error(new DOMException("gone", "AbortError")));
      },
    });
    return new Response(body);
  }
  const asked = new URL(url, "http://x").searchParams;
  const items = stored.filter((one) => one.seq > Number(asked.get("after"))).slice(0, 3);
  return Response.json({ items, next: items.length === 3 ? "more" : null });
}

function say(kind: string, data: unknown, id = ""): void {
  stream?.enqueue(new TextEncoder().encode(`event: ${kind}\n${id ? `id: ${id}\n` : ""}data: ${JSON.stringify(data)}\n\n`));
}

const held = () => store.get().thread;
const settle = (ms = 50) => vi.advanceTimersByTimeAsync(ms);

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", answer);
  [stored, stream, positions] = [log.slice(0, 4), null, []];
  store = new ThreadStore("thr_1");
  close = store.open();
  await settle();
});

afterEach(() => {
  close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("an open thread", () => {
  it("reads its log page by page, then follows from there", () => {
    expect(store.get().ready).toBe(true);
    expect(held().seq).toBe(4);
    expect(positions).toEqual(["4"]);
  });

  it("tells its listeners once per animation frame, however much comes", async () => {
    let told = 0;
    store.subscribe(() => {
      told += 1;
    });
    for (const [at, char] of [..."Yes, it is so."].entries()) say("delta", { message: "msg_a1", run: RUN, attempt: 1, offset: at, text: char, channel: "text" }, `4:1:${at + 1}`);
    await settle();
    expect(held().live[RUN]?.text).toBe("Yes, it is so.");
    expect(told).toBe(1);
  });

  it("asks the log for what the stream left out", async () => {
    stored = log;
    say("event", log[6], "7");
    await settle();
    expect(held()).toEqual(whole);
  });

  it("opens the stream again from the last event when live text is torn", async () => {
    const address = { message: "msg_a1", run: RUN, attempt: 1, channel: "text" };
    say("delta", { ...address, offset: 0, text: "Yes" }, "4:1:3");
    say("delta", { ...address, offset: 9, text: "so" }, "4:1:11");
    await settle();
    expect(positions).toEqual(["4", "4"]);
    say("checkpoint", { ...address, text: "Yes, it is so", reasoning: "" }, "4:1:13");
    await settle();
    expect(held().live[RUN]?.text).toBe("Yes, it is so");
  });

  it("goes on from what it held when it is opened a second time", async () => {
    close();
    stored = [...log, event(9, "thread.titled", { title: "Renamed", by: "person" })];
    close = store.open();
    await settle();
    expect(held().title).toBe("Renamed");
    expect(positions).toEqual(["4", "9"]);
  });
});
