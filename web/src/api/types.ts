// The shapes of /api, as the server promises them.

export interface Problem {
  code: string;
  detail: string;
  hint?: string;
  params?: Record<string, string | number | boolean | null>;
  retryable?: boolean;
}

export interface List<T> {
  items: T[];
  next: string | null;
}

export * from "./modelTypes";
export * from "./peopleTypes";

// ---- models -----------------------------------------------------------------------

export interface Model {
  name: string;
  provider: string | null;
  kind: "chat" | "embedding";
  context_tokens: number;
  vision: boolean;
  native_tools: boolean;
  local: boolean;
  small: boolean;
  /** It can think first. */
  reasoning: boolean;
  default: boolean;
  licence: string | null;
  /** It stands for several models; `note` is what the operator says of it. */
  alias: boolean;
  note: string;
}

export interface LocalModel {
  name: string;
  licence: string;
  publisher: string;
  /** Of its weights; "" of a file that is not in our catalogue. */
  sha256: string;
  state: "off" | "absent" | "arriving" | "paused" | "loading" | "ready" | "failed";
  bytes_done: number | null;
  bytes_total: number | null;
  seconds_left: number | null;
  problem: Problem | null;
}

export interface ModelTest {
  ok: boolean;
  latency_ms: number;
  text: string;
  problem: Problem | null;
}

// ---- assistant ----------------------------------------------------------------------

export type Origin = "chat" | "api" | "terminal" | "background" | "schedule";
export type Effort = "auto" | "fast" | "think";

export interface Thread {
  id: string;
  title: string;
  origin: Origin;
  state: "idle" | "running" | "waiting";
  head_seq: number;
  pinned: boolean;
  archived: boolean;
  temporary: boolean;
  unread: boolean;
  deleted?: boolean;
  deleted_at?: string | null;
  created_at: string;
  updated_at: string;
}

/** A place where words were found: in the title, in a message, or in a file. `message` is where to go to. */
export interface Found {
  thread: Thread;
  where: "title" | "message" | "file";
  message: string | null;
  file: { id: string; name: string; anchor: { page?: number } } | null;
  snippet: { text: string; hit: boolean }[];
  at: string;
}

/** Between what the router chooses; names are empty where there is nothing to choose. */
export interface RouterChoice {
  mode: "itself" | "chosen" | "off";
  fast: string;
  thinking: string;
}

export interface Attachment {
  id: string;
  name: string;
  media_type: string;
  size_bytes: number;
  state?: "reading" | "ready" | "failed";
  problem?: Problem | null;
}

export interface Message {
  client_id: string;
  text: string;
  attachments?: string[];
  /** Absent: after the newest of the selected branch; null: another first message. */
  parent?: string | null;
  effort?: Effort;
  model?: string;
  interrupt?: boolean;
}

export interface Posted {
  thread: string;
  message: string;
  run: string;
  seq: number;
  repeated: boolean;
}

export interface Share {
  id: string;
  url: string;
  created_at: string;
  title?: string;
  thread?: string;
}

export interface SharedPage {
  title: string;
  created_at: string;
  by: string;
  messages: { role: "you" | "mecum"; text: string; at: string; attachments: string[] }[];
}

export interface Schedule {
  id: string;
  title: string;
  text: string;
  /** Five cron fields, or null for what is done once. */
  cron: string | null;
  timezone: string;
  next_at: string | null;
  last_at: string | null;
  enabled: boolean;
  thread: string | null;
}
