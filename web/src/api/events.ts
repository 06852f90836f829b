// Events of a thread's log and the frames of its stream.
import type { Attachment, Effort, Origin, Problem } from "./types";

export interface Choice {
  value: string;
  label: string;
}

/** The part of JSON Schema that questions use. */
export interface Schema {
  type?: string;
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: (string | number)[];
  items?: Schema;
  format?: string;
  default?: unknown;
  const?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

export interface Question {
  title?: string;
  text?: string;
  schema?: Schema;
  choices?: Choice[];
  /** What would be done, of a question about an act. */
  tool?: string;
  receiver?: string | null;
  arguments?: Record<string, unknown>;
}

export type WaitKind = "form" | "confirm" | "consent" | "unknown_act" | "lent_tool";
export type FinishReason = "done" | "stopped" | "limit" | "failed";

export interface Usage {
  input: number;
  output: number;
  cached?: number;
  reasoning?: number;
}

/** How the router had an answer made, and what it took away because many were waiting. */
export interface Routed {
  effort: "fast" | "think";
  why: string;
  lowered: "effort" | "smaller" | null;
  lighter?: ("tools" | "context")[];
}

export interface Payloads {
  "thread.created": { title: string; origin: Origin; temporary: boolean };
  "thread.titled": { title: string; by: "person" | "mecum" };
  "message.user": {
    text: string;
    attachments?: Attachment[];
    effort?: Effort;
    model?: string | null;
    client_id?: string;
    surface?: string;
  };
  "history.given": { messages: { role: string; text: string }[] };
  "run.step": { text?: string };
  "run.started": { attempt: number; model: string | null };
  "run.finished": {
    reason: FinishReason;
    usage?: Usage | null;
    model?: string | null;
    provider?: string | null;
    seconds?: number | null;
    error?: Problem | null;
    limit?: string | null;
    routed?: Routed | null;
  };
  "message.assistant": { text: string; reasoning?: string | null; model?: string | null; finish: string; tool_steps?: number };
  "act.intended": { call: string; tool: string; arguments?: unknown; receiver?: string | null; label?: string };
  "act.done": { call: string; text?: string; data?: unknown; failed: boolean; seconds?: number };
  "act.unknown": { call: string; tool: string };
  "run.waiting": { wait: string; kind: WaitKind; question: Question; call?: string | null };
  "run.answered": { wait: string; answer: Record<string, unknown> };
  "branch.selected": { message: string };
  "feedback.given": { message: string; value: "up" | "down" | "none"; reason?: string | null };
}

export type EventType = keyof Payloads;

export interface LogEvent {
  seq: number;
  id: string;
  type: string;
  v: number;
  at: string;
  actor: string;
  run: string | null;
  message: string | null;
  parent: string | null;
  payload: unknown;
}

export interface Delta {
  message: string;
  run: string;
  attempt: number;
  offset: number;
  text: string;
  channel?: "text" | "reasoning";
}

export interface Checkpoint {
  message: string;
  run: string;
  attempt: number;
  text: string;
  reasoning?: string | null;
}

export interface WaitingHint {
  run: string;
  reason: "model_arriving" | "model_loading" | "queued" | "provider_busy";
  progress?: number | null;
  about_seconds?: number | null;
}

export type Frame =
  | { kind: "event"; data: LogEvent }
  | { kind: "delta"; data: Delta }
  | { kind: "checkpoint"; data: Checkpoint }
  | { kind: "reset"; data: { message?: string } }
  | { kind: "waiting"; data: WaitingHint };
