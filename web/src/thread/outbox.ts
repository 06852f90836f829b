// Messages on their way: kept on this device until the server has them, and sent again by themselves. The client's own
// id of a message makes it harmless to post it twice.
import { keep, keysIn, mine } from "~/api/device";
import { ApiError, request } from "~/api/http";
import type { Message, Posted, Problem } from "~/api/types";
import type { Sending } from "./state/model";

export interface Unsent extends Sending {
  /** null: the first message of a page that is not there yet. */
  thread: string | null;
  /** Of a page that leaves no trace: kept for this tab only. */
  temporary: boolean;
}

export type Change =
  | { kind: "put" | "again" | "failed" | "gone"; message: Unsent }
  | { kind: "sent"; message: Unsent; posted: Posted };

interface Kept extends Omit<Unsent, "error"> {
  /** Why the server does not take it: it is not sent again by itself. */
  refused?: Partial<Problem> & { status: number };
}

const RETRY_MS = 10_000;
const POST_MS = 60_000;

let prefix = "";
let held: Unsent[] = [];
let flushing: Promise<void> | null = null;
/** Something was put after the flush that is under way has looked. */
let fresh = false;
/** What this flush has tried, and threads in which others wait behind one that could not go: they keep their order. */
const tried = new Set<string>();
const blocked = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<(change: Change) => void>();

export function onOutbox(listener: (change: Change) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(change: Change): void {
  for (const listener of listeners) listener(change);
}

function storageOf(message: { temporary: boolean }): Storage {
  return message.temporary ? sessionStorage : localStorage;
}

function save(message: Unsent): void {
  const { error, ...rest } = message;
  const refused = isRefused(error) ? { status: error.status, code: error.code, detail: error.message, hint: error.hint, params: error.params, retryable: false } : undefined;
  try {
    keep(storageOf(message), prefix + message.clientId, { ...rest, ...(refused ? { refused } : {}) } satisfies Kept);
  } catch {
    // The device has no room left: then this tab holds it until it is sent.
  }
}

function read(storage: Storage, key: string): Unsent[] {
  try {
    const { refused, ...rest } = JSON.parse(storage.getItem(key) ?? "") as Kept;
    return [{ ...rest, model: rest.model, parent: rest.parent, error: refused ? new ApiError(refused.status, refused) : null }];
  } catch {
    storage.removeItem(key);
    return [];
  }
}

/** What is unsent of whoever is signed in, oldest first; also what another tab has put there meanwhile. */
function all(): Unsent[] {
  const now = mine("outbox");
  if (now !== prefix) [prefix, held] = [now, []];
  const known = new Set(held.map((message) => message.clientId));
  for (const storage of [localStorage, sessionStorage]) {
    for (const key of keysIn(storage, prefix)) if (!known.has(key.slice(prefix.length))) held = [...held, ...read(storage, key)];
  }
  return held.sort((a, b) => (a.at < b.at ? -1 : 1));
}

/** What is unsent of a thread; of null: first messages of pages that are not there yet. */
export function unsentOf(thread: string | null): Unsent[] {
  return all().filter((message) => message.thread === thread);
}

export function unsentCount(): number {
  return all().length;
}

/** Whether trying again by itself makes no sense. Who is signed out, or whose session has changed, may be back soon. */
function isRefused(error: unknown): error is ApiError {
  return error instanceof ApiError && !error.retryable && error.status !== 401 && error.status !== 403;
}

/** Whether it goes out by itself. */
export function isWaiting(message: Sending): boolean {
  return !isRefused(message.error);
}

function change(clientId: string, error: unknown): Unsent | undefined {
  held = held.map((message) => (message.clientId === clientId ? { ...message, error } : message));
  const changed = held.find((message) => message.clientId === clientId);
  if (changed) save(changed);
  return changed;
}

function drop(message: Unsent): void {
  held = held.filter((other) => other.clientId !== message.clientId);
  storageOf(message).removeItem(prefix + message.clientId);
}

/** Keeps a message and sends it. */
export function put(message: Unsent): void {
  held = [...all(), message];
  save(message);
  tell({ kind: "put", message });
  fresh = true;
  void flush();
}

export function sendAgain(clientId: string): void {
  const message = change(clientId, null);
  if (!message) return;
  tell({ kind: "again", message });
  tried.delete(clientId);
  if (message.thread) blocked.delete(message.thread);
  fresh = true;
  void flush();
}

export function discard(clientId: string): void {
  const message = held.find((other) => other.clientId === clientId);
  if (!message) return;
  drop(message);
  tell({ kind: "gone", message });
}

// Without `parent` a message follows the newest of the branch that is shown, also one that is just being written.
function body({ clientId, text, attachments, parent, effort, model, thread, temporary }: Unsent): Message & { temporary?: boolean } {
  return {
    client_id: clientId,
    text,
    attachments: attachments.map((attachment) => attachment.id),
    ...(parent === undefined ? {} : { parent }),
    effort,
    ...(model ? { model } : {}),
    ...(thread === null && temporary ? { temporary } : {}),
  };
}

async function post(message: Unsent): Promise<Posted> {
  const path = message.thread === null ? "/messages" : `/threads/${message.thread}/messages`;
  const init = { body: JSON.stringify(body(message)), headers: { "Content-Type": "application/json" }, signal: AbortSignal.timeout(POST_MS) };
  return (await (await request("POST", path, init)).json()) as Posted;
}

async function attempt(message: Unsent): Promise<void> {
  tried.add(message.clientId);
  let posted: Posted;
  try {
    posted = await post(message);
  } catch (error) {
    if (message.thread && !isRefused(error)) blocked.add(message.thread);
    const failed = change(message.clientId, error);
    if (failed) tell({ kind: "failed", message: failed });
    return;
  }
  drop(message);
  tell({ kind: "sent", message, posted });
}

function next(): Unsent | undefined {
  fresh = false;
  return all().find((message) => !tried.has(message.clientId) && isWaiting(message) && !(message.thread && blocked.has(message.thread)));
}

async function sendAll(): Promise<void> {
  tried.clear();
  blocked.clear();
  for (let message = next(); message; message = next()) await attempt(message);
  clearTimeout(timer);
  if (navigator.onLine && all().some(isWaiting)) timer = setTimeout(() => void flush(), RETRY_MS);
}

/** Sends what waits. Called when there may be a line to the server again. */
export function flush(): Promise<void> {
  flushing ??= sendAll().finally(() => {
    flushing = null;
    if (fresh) void flush();
  });
  return flushing;
}

window.addEventListener("online", () => void flush());
// Another tab sent or discarded one.
window.addEventListener("storage", ({ key, newValue }) => {
  if (newValue === null && prefix && key?.startsWith(prefix)) discard(key.slice(prefix.length));
});
