// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forgetPerson } from "~/api/device";
import { queryClient, sessionQuery } from "~/api/client";
import type { Session } from "~/api/types";
import { readDraft, writeDraft } from "~/composer/draft";

type Outbox = typeof import("./outbox");
type Body = { client_id: string; text: string };

let answers: (Response | Error)[] = [];
let posted: { path: string; body: Body }[] = [];

const listening: [string, EventListener][] = [];

/** The outbox as a page has it that was loaded just now; the page before it is gone. */
async function load(): Promise<Outbox> {
  for (const [kind, listener] of listening.splice(0)) window.removeEventListener(kind, listener);
  vi.clearAllTimers();
  vi.resetModules();
  vi.doMock("~/api/client", () => ({ queryClient, sessionQuery }));
  return import("./outbox");
}

function signIn(person: string, space = "spc_1"): void {
  queryClient.setQueryData(sessionQuery.queryKey, { person: { id: person }, space: { id: space } } as Session);
}

function message(text: string, thread: string | null = "thr_1", temporary = false) {
  return { clientId: `c-${text}`, text, thread, temporary, attachments: [], effort: "auto" as const, model: undefined, parent: undefined, at: `2026-01-01T00:00:${String(text.length).padStart(2, "0")}Z`, error: null };
}

const taken = (thread = "thr_1") => Response.json({ thread, message: "msg_1", run: "run_1", seq: 2, repeated: false }, { status: 202 });
const refusal = (status: number, retryable: boolean) => Response.json({ code: "x.y", detail: "No.", retryable }, { status });
const away = () => new TypeError("Failed to fetch");
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const texts = (outbox: Outbox, thread: string | null = "thr_1") => outbox.unsentOf(thread).map((one) => one.text);

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sessionStorage.clear();
  [answers, posted] = [[], []];
  const listen = window.addEventListener.bind(window);
  vi.spyOn(window, "addEventListener").mockImplementation((kind: string, listener: EventListenerOrEventListenerObject) => {
    listening.push([kind, listener as EventListener]);
    listen(kind, listener);
  });
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    posted.push({ path, body: JSON.parse(String(init.body)) as Body });
    const answer = answers.shift() ?? taken();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  signIn("prs_1");
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the outbox", () => {
  it("keeps a message over a reload, and sends it with the same id when the page is there again", async () => {
    answers = [away()];
    const before = await load();
    before.put(message("hello"));
    await settle();
    expect(texts(before)).toEqual(["hello"]);
    const after = await load();
    expect(texts(after)).toEqual(["hello"]);
    await after.flush();
    expect(texts(after)).toEqual([]);
    expect(posted.map(({ path, body }) => [path, body.client_id])).toEqual(Array(2).fill(["/api/threads/thr_1/messages", "c-hello"]));
    expect(localStorage.length).toBe(0);
  });

  it("sends by itself when the browser says that there is a network, and after a while when the server was away", async () => {
    answers = [away(), refusal(503, true), away()];
    const outbox = await load();
    outbox.put(message("hello"));
    await settle();
    window.dispatchEvent(new Event("online"));
    await settle();
    expect(posted).toHaveLength(2);
    await settle(10_000);
    expect(posted).toHaveLength(3);
    await settle(10_000);
    expect(texts(outbox)).toEqual([]);
    await settle(60_000);
    expect(posted).toHaveLength(4);
  });

  it("keeps the order of a thread: behind a message that waits, the next ones wait; other threads go on", async () => {
    answers = [away()];
    const outbox = await load();
    outbox.put(message("one"));
    outbox.put(message("three"));
    outbox.put(message("elsewhere", "thr_2"));
    await settle();
    expect(posted.map(({ body }) => body.text)).toEqual(["one", "elsewhere"]);
    await outbox.flush();
    expect(posted.slice(2).map(({ body }) => body.text)).toEqual(["one", "three"]);
  });

  it("tries no more what the server refused, also after a reload, until it is asked to", async () => {
    answers = [refusal(422, false)];
    const before = await load();
    before.put(message("hello"));
    await settle(60_000);
    const after = await load();
    await after.flush();
    expect(posted).toHaveLength(1);
    expect(after.unsentOf("thr_1")[0]?.error).toMatchObject({ status: 422, code: "x.y", message: "No." });
    after.sendAgain("c-hello");
    await settle();
    expect(texts(after)).toEqual([]);
  });

  it("waits for a sign-in instead of giving up", async () => {
    answers = [refusal(401, false)];
    const outbox = await load();
    outbox.put(message("hello"));
    await settle(10_000);
    expect(posted).toHaveLength(2);
    expect(texts(outbox)).toEqual([]);
  });

  it("tells who listens what became of a message", async () => {
    answers = [away(), taken("thr_9")];
    const outbox = await load();
    const told: string[] = [];
    outbox.onOutbox((change) => told.push(change.kind === "sent" ? `sent ${change.posted.thread}` : change.kind));
    outbox.put(message("hello", null));
    await settle();
    outbox.sendAgain("c-hello");
    await settle();
    outbox.discard("c-hello");
    expect(told).toEqual(["put", "failed", "again", "sent thr_9"]);
    expect(posted[0]?.path).toBe("/api/messages");
  });

  it("sends what is put or asked for again while others are on their way", async () => {
    answers = [away()];
    const outbox = await load();
    outbox.onOutbox(({ kind, message: one }) => {
      if (kind === "failed") outbox.sendAgain(one.clientId);
      if (kind === "sent" && one.text === "one") outbox.put(message("three"));
    });
    outbox.put(message("one"));
    await settle();
    expect(posted.map(({ body }) => body.text)).toEqual(["one", "one", "three"]);
  });

  it("drops what another tab has sent", async () => {
    answers = [away()];
    const outbox = await load();
    outbox.put(message("hello"));
    await settle();
    const key = localStorage.key(0) ?? "";
    localStorage.removeItem(key);
    window.dispatchEvent(new StorageEvent("storage", { key, newValue: null }));
    await settle(60_000);
    expect(posted).toHaveLength(1);
  });
});

describe("what is kept on a device", () => {
  it("is found by the person and in the space that it belongs to, and by nobody else", async () => {
    answers = Array(9).fill(null).map(away);
    const outbox = await load();
    outbox.put(message("mine"));
    await settle();
    writeDraft("new", { text: "half a thought", attachments: [] });
    for (const [person, space] of [["prs_2", "spc_2"], ["prs_1", "spc_9"]] as const) {
      signIn(person, space);
      expect(readDraft("new").text).toBe("");
      expect(texts(outbox)).toEqual([]);
    }
    signIn("prs_1");
    expect(readDraft("new").text).toBe("half a thought");
    expect(texts(outbox)).toEqual(["mine"]);
  });

  it("is taken away with the person who signs out, and only theirs", async () => {
    answers = Array(9).fill(null).map(away);
    const outbox = await load();
    signIn("prs_2");
    writeDraft("new", { text: "of another", attachments: [] });
    signIn("prs_1");
    writeDraft("new", { text: "mine", attachments: [] });
    outbox.put(message("mine"));
    outbox.put(message("mine too", "thr_1", true));
    await settle();
    expect([localStorage.length, sessionStorage.length]).toEqual([3, 1]);
    forgetPerson("prs_1");
    expect([localStorage.length, sessionStorage.length]).toEqual([1, 0]);
  });

  it("is for this tab alone where the page leaves no trace", async () => {
    answers = [away()];
    const outbox = await load();
    outbox.put(message("secret", "thr_1", true));
    await settle();
    expect([localStorage.length, sessionStorage.length]).toEqual([0, 1]);
  });
});
