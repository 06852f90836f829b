// One open thread: loads its log, follows its stream, folds both, tells React at most once per animation frame.
import type { Frame, LogEvent } from "~/api/events";
import { ApiError, api, query } from "~/api/http";
import type { List } from "~/api/types";
import { type Following, follow, type Link } from "~/stream/follow";
import type { SseFrame } from "~/stream/parse";
import { onOutbox, unsentOf } from "../outbox";
import { EMPTY, type ThreadState } from "./model";
import { type Action, reduce } from "./reducer";

export interface Snapshot {
  thread: ThreadState;
  link: Link;
  retryAt: number | null;
  /** Why the server would not open the stream the last time; null when it was not there to say so. */
  why: ApiError | null;
  /** The log has been read once. */
  ready: boolean;
  /** The thread can't be read: not there, not mine, or the server is away. */
  error: unknown;
}

const PAGE = 200;
const FRAME_KINDS = new Set(["event", "delta", "checkpoint", "reset", "waiting"]);
/** Without a visible page there are no animation frames; then this is often enough. */
const HIDDEN_MS = 250;
/** Between two attempts to get lost text back. */
const MEND_PAUSE_MS = 1_500;
/** Between two attempts to read the log. */
const RETRY_MS = 3_000;

export class ThreadStore {
  readonly id: string;
  private snapshot: Snapshot;
  private queue: Action[] = [];
  private scheduled = false;
  private readonly listeners = new Set<() => void>();
  private following: Following | null = null;
  private position = "";
  private loading = false;
  private users = 0;
  private mendedAt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string) {
    this.id = id;
    // What is unsent since before: the log takes away what it has.
    const thread = { ...EMPTY, sending: unsentOf(id) };
    this.snapshot = { thread, link: "connecting", retryAt: null, why: null, ready: false, error: null };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly get = (): Snapshot => this.snapshot;

  readonly dispatch = (action: Action): void => {
    this.queue.push(action);
    if (this.scheduled) return;
    this.scheduled = true;
    if (document.hidden) setTimeout(this.flush, HIDDEN_MS);
    else requestAnimationFrame(this.flush);
  };

  /** Applies at once: for what the person did just now. */
  readonly dispatchNow = (action: Action): void => {
    this.queue.push(action);
    this.flush();
  };

  readonly open = (): (() => void) => {
    this.users += 1;
    if (this.users === 1) void this.start();
    return () => {
      this.users -= 1;
      if (this.users === 0) this.close();
    };
  };

  readonly reload = (): void => {
    this.close();
    this.update({ error: null });
    void this.start();
  };

  private close(): void {
    this.following?.stop();
    this.following = null;
    clearTimeout(this.retry);
  }

  private async start(): Promise<void> {
    if (!(await this.load())) {
      const { error } = this.snapshot;
      // The server is starting, or away for a moment: it needs no click to be asked again.
      if (this.users > 0 && error instanceof ApiError && error.retryable) this.retry = setTimeout(() => void this.start(), RETRY_MS);
      return;
    }
    if (this.users === 0 || this.following) return;
    this.position = String(this.snapshot.thread.seq);
    this.following = follow({
      url: () => `/api/threads/${this.id}/events?stream=1`,
      position: () => this.position,
      onFrame: this.onFrame,
      // Between two tries the reason stays: it would blink.
      onLink: (link, retryAt, why) => this.update(link === "connecting" ? { link, retryAt } : { link, retryAt, why }),
      onRefused: (error: ApiError) => this.update({ error }),
    });
  }

  /** Reads the log from what is held to its end. False when it can't be read. */
  private async load(): Promise<boolean> {
    if (this.loading) return false;
    this.loading = true;
    try {
      for (;;) {
        this.flush();
        const after = this.snapshot.thread.seq;
        const page = await api.get<List<LogEvent>>(`/threads/${this.id}/events${query({ after, limit: PAGE })}`);
        this.dispatchNow({ type: "page", events: page.items });
        if (page.items.length === 0 || page.next === null) break;
      }
      this.update({ ready: true, error: null });
      return true;
    } catch (error) {
      this.update({ error });
      return false;
    } finally {
      this.loading = false;
    }
  }

  private readonly onFrame = (frame: SseFrame): void => {
    if (!FRAME_KINDS.has(frame.event)) return;
    if (frame.id) this.position = frame.id;
    this.dispatch({ type: "frame", frame: { kind: frame.event, data: JSON.parse(frame.data) } as Frame });
  };

  private readonly flush = (): void => {
    this.scheduled = false;
    if (this.queue.length === 0) return;
    const actions = this.queue;
    this.queue = [];
    const thread = actions.reduce(reduce, this.snapshot.thread);
    if (thread === this.snapshot.thread) return;
    this.update({ thread });
    if (thread.missing) void this.load();
    else if (thread.torn && this.following) this.mend();
  };

  /** Live text was lost on the way: ask again from the last event, the server answers with a checkpoint. */
  private mend(): void {
    if (Date.now() - this.mendedAt < MEND_PAUSE_MS) return;
    this.mendedAt = Date.now();
    this.snapshot = { ...this.snapshot, thread: { ...this.snapshot.thread, torn: false } };
    this.position = String(this.snapshot.thread.seq);
    this.following?.again();
  }

  private update(change: Partial<Snapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of this.listeners) listener();
  }
}

const KEPT = 8;
const stores = new Map<string, ThreadStore>();

/** The store of a thread; the last few are kept, so that going back is instant. */
export function threadStore(id: string): ThreadStore {
  const store = stores.get(id) ?? new ThreadStore(id);
  stores.delete(id);
  stores.set(id, store);
  for (const old of stores.keys()) {
    if (stores.size <= KEPT) break;
    stores.delete(old);
  }
  return store;
}

export function forgetThreads(): void {
  stores.clear();
}

onOutbox(({ kind, message }) => {
  const store = message.thread === null ? undefined : stores.get(message.thread);
  if (kind === "put") store?.dispatchNow({ type: "send", message });
  else if (kind === "again") store?.dispatchNow({ type: "send-again", clientId: message.clientId });
  else if (kind === "failed") store?.dispatchNow({ type: "send-failed", clientId: message.clientId, error: message.error });
  else if (kind === "gone") store?.dispatchNow({ type: "discard", clientId: message.clientId });
});
