// A stream that is kept open: reconnects with growing pauses, notices silence, stops when the server says it is over.
import { headers, problemOf } from "~/api/http";
import { ApiError } from "~/api/http";
import { createSseParser, type SseFrame } from "./parse";

export type Link = "connecting" | "open" | "waiting";

export interface FollowOptions {
  /** Where to read; asked anew at each connection, so that it can carry the position. */
  url: () => string;
  /** Sent as Last-Event-ID; "" for none. */
  position: () => string;
  onFrame: (frame: SseFrame) => void;
  /** `retryAt` is when the next attempt is made, in milliseconds since the epoch; `why` what the server said, if it did. */
  onLink?: (link: Link, retryAt: number | null, why: ApiError | null) => void;
  /** The server refused for good: no such thread, no right, signed out. */
  onRefused?: (error: ApiError) => void;
}

export interface Following {
  /** Connect again now, from the position as it is now. */
  again: () => void;
  stop: () => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 20_000;
const LONGEST_WANTED_MS = 120_000;
/** The server pings every 15 s; three missed pings mean that the line is dead. */
const SILENCE_MS = 45_000;
const FOR_GOOD = new Set([400, 401, 403, 404, 410]);

export function follow(options: FollowOptions): Following {
  let stopped = false;
  let connection = new AbortController();
  let wake: (() => void) | null = null;
  let failures = 0;

  async function readOnce(signal: AbortSignal): Promise<void> {
    const position = options.position();
    const response = await fetch(options.url(), {
      headers: { ...headers("GET"), Accept: "text/event-stream", ...(position ? { "Last-Event-ID": position } : {}) },
      signal,
      cache: "no-store",
    });
    if (!response.ok) throw await problemOf(response);
    if (!response.body) return;
    options.onLink?.("open", null, null);
    const parse = createSseParser((frame) => {
      failures = 0;
      options.onFrame(frame);
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const silence = setTimeout(() => connection.abort(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      parse(value);
    }
  }

  function pause(why: ApiError | null): Promise<void> {
    const grown = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
    const wanted = Math.min(why?.retryAfterMs ?? 0, LONGEST_WANTED_MS);
    const length = Math.max(grown, wanted) * (0.75 + Math.random() * 0.5);
    options.onLink?.("waiting", Date.now() + length, why);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, length);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    while (!stopped) {
      connection = new AbortController();
      let quick = false;
      let why: ApiError | null = null;
      options.onLink?.("connecting", null, null);
      try {
        await readOnce(connection.signal);
      } catch (error) {
        if (error instanceof ApiError && FOR_GOOD.has(error.status)) {
          if (!stopped) options.onRefused?.(error);
          return;
        }
        why = error instanceof ApiError ? error : null;
        quick = connection.signal.aborted && connection.signal.reason === "again";
      }
      if (stopped) return;
      if (quick) continue;
      failures += 1;
      await pause(why);
      wake = null;
    }
  }

  const again = () => {
    failures = 0;
    if (wake) wake();
    else connection.abort("again");
  };
  const online = () => wake?.();
  window.addEventListener("online", online);
  void run();
  return {
    again,
    stop: () => {
      stopped = true;
      window.removeEventListener("online", online);
      connection.abort();
      wake?.();
    },
  };
}
