// A thread as the client holds it: the fold of its log, plus what is live and what is on its way.
import type { FinishReason, Question, Routed, Usage, WaitingHint, WaitKind } from "~/api/events";
import type { Attachment, Effort, Origin, Problem } from "~/api/types";

export interface UserNode {
  kind: "user";
  id: string;
  parent: string | null;
  seq: number;
  at: string;
  text: string;
  attachments: Attachment[];
  effort: Effort;
  model: string | null;
  surface: string | null;
  erased: boolean;
}

export interface AnswerNode {
  kind: "answer";
  id: string;
  parent: string | null;
  run: string | null;
  seq: number;
  at: string;
  text: string;
  reasoning: string;
  model: string | null;
  finish: string;
  feedback: "up" | "down" | null;
  erased: boolean;
}

/** What a program said for its tools: not shown, but part of the way through the tree. */
export interface ToolNode {
  kind: "tool";
  id: string;
  parent: string | null;
  seq: number;
}

export type Node = UserNode | AnswerNode | ToolNode;

export interface Act {
  call: string;
  tool: string;
  label: string;
  receiver: string | null;
  arguments: unknown;
  state: "running" | "done" | "failed" | "unknown";
  text: string;
  seconds: number | null;
}

export interface Wait {
  id: string;
  kind: WaitKind;
  question: Question;
  call: string | null;
  answer: Record<string, unknown> | null;
}

/** One answer of a run. A run writes more than one when messages come while it works. */
export interface Part {
  key: string;
  run: string;
  /** The id of the answer; null until it is known. */
  message: string | null;
  /** The message it answers. */
  parent: string | null;
  seq: number;
  at: string;
  model: string | null;
  /** What the model said in steps before tools; the answer's text holds it later. */
  steps: string[];
  acts: Act[];
  waits: Wait[];
  /** Its answer stands in the log. */
  written: boolean;
  finished: Finished | null;
}

export interface Finished {
  reason: FinishReason;
  model: string | null;
  seconds: number | null;
  usage: Usage | null;
  error: Problem | null;
  limit: string | null;
  routed: Routed | null;
}

/** The partial text of a running answer. Lengths are in code points, as the server counts. */
export interface Live {
  message: string;
  run: string;
  attempt: number;
  text: string;
  textLength: number;
  reasoning: string;
  reasoningLength: number;
}

/** A message of mine that the log does not show yet. */
export interface Sending {
  clientId: string;
  text: string;
  attachments: Attachment[];
  effort: Effort;
  model: string | undefined;
  /** undefined: after what is shown last; null: another first message. */
  parent: string | null | undefined;
  at: string;
  error: unknown;
}

export interface ThreadState {
  seq: number;
  title: string;
  origin: Origin;
  temporary: boolean;
  nodes: Record<string, Node>;
  /** Messages below a message in order of the log; the key of those at the top is "". */
  children: Record<string, string[]>;
  /** Which child of a message is shown. */
  selected: Record<string, string>;
  /** Answers written or being written, by their key. */
  parts: Record<string, Part>;
  /** Keys of the answers of a run, in order of the log. */
  partsOf: Record<string, string[]>;
  /** What a program gave as earlier conversation. */
  history: { role: string; text: string }[];
  live: Record<string, Live>;
  hint: WaitingHint | null;
  sending: Sending[];
  /** An event of the stream did not follow the last one: the log must be asked. */
  missing: boolean;
  /** Live text was lost: the stream must be opened again for a checkpoint. */
  torn: boolean;
}

export const EMPTY: ThreadState = {
  seq: 0,
  title: "",
  origin: "chat",
  temporary: false,
  nodes: {},
  children: {},
  selected: {},
  parts: {},
  partsOf: {},
  history: [],
  live: {},
  hint: null,
  sending: [],
  missing: false,
  torn: false,
};

/** The answer that a run works on now, or wrote last. */
export function lastPart(state: ThreadState, run: string | null): Part | undefined {
  const key = run ? state.partsOf[run]?.at(-1) : undefined;
  return key ? state.parts[key] : undefined;
}

export function isGoing(part: Part): boolean {
  return !part.written && part.finished === null;
}

/** The answer that is being made, if one is. */
export function activePart(state: ThreadState): Part | null {
  let found: Part | null = null;
  for (const part of Object.values(state.parts)) if (isGoing(part) && (!found || part.seq > found.seq)) found = part;
  return found;
}
