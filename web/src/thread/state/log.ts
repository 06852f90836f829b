// The fold of the log: one stored event at a time.
import type { LogEvent, Payloads } from "~/api/events";
import { dropLive } from "./live";
import { type Act, type AnswerNode, lastPart, type Node, type Part, type ThreadState, type UserNode } from "./model";

type Apply<P> = (state: ThreadState, event: LogEvent, payload: P) => ThreadState;

function addNode(state: ThreadState, node: Node): ThreadState {
  const under = node.parent ?? "";
  const siblings = state.children[under] ?? [];
  const added: ThreadState = {
    ...state,
    nodes: { ...state.nodes, [node.id]: node },
    children: siblings.includes(node.id) ? state.children : { ...state.children, [under]: [...siblings, node.id] },
  };
  return select(added, node.id);
}

/** Shows the branch that `message` is on. */
export function select(state: ThreadState, message: string): ThreadState {
  const selected = { ...state.selected };
  const seen = new Set<string>();
  for (let node = state.nodes[message]; node && !seen.has(node.id); node = node.parent ? state.nodes[node.parent] : undefined) {
    seen.add(node.id);
    selected[node.parent ?? ""] = node.id;
  }
  return { ...state, selected };
}

/** The last message on the selected branch: what a run answers when its event does not say. */
function tip(state: ThreadState): string | null {
  let last: string | null = null;
  const seen = new Set<string>();
  for (let id = state.selected[""]; id && !seen.has(id); id = state.selected[id]) {
    seen.add(id);
    last = id;
  }
  return last;
}

/** The answer that an event is about: the one with its message, else the newest of its run. */
function partOf(state: ThreadState, event: LogEvent): Part | undefined {
  const keys = event.run ? (state.partsOf[event.run] ?? []) : [];
  const exact = event.message ? keys.find((key) => state.parts[key]?.message === event.message) : undefined;
  return exact ? state.parts[exact] : lastPart(state, event.run);
}

function changePart(state: ThreadState, event: LogEvent, change: (part: Part) => Partial<Part>): ThreadState {
  const part = partOf(state, event);
  if (!part) return state;
  const message = part.message ?? event.message;
  return { ...state, parts: { ...state.parts, [part.key]: { ...part, message, ...change(part) } } };
}

function changeAct(state: ThreadState, event: LogEvent, call: string, change: Partial<Act>): ThreadState {
  return changePart(state, event, (part) => ({ acts: part.acts.map((act) => (act.call === call ? { ...act, ...change } : act)) }));
}

const messageUser: Apply<Payloads["message.user"] | null> = (state, event, payload) => {
  if (!event.message) return state;
  const node: UserNode = {
    kind: "user",
    id: event.message,
    parent: event.parent,
    seq: event.seq,
    at: event.at,
    text: payload?.text ?? "",
    attachments: payload?.attachments ?? [],
    effort: payload?.effort ?? "auto",
    model: payload?.model ?? null,
    surface: payload?.surface ?? null,
    erased: payload === null,
  };
  const sending = state.sending.filter((mine) => mine.clientId !== payload?.client_id);
  return addNode(sending.length === state.sending.length ? state : { ...state, sending }, node);
};

const messageAssistant: Apply<Payloads["message.assistant"] | null> = (state, event, payload) => {
  const { message } = event;
  if (!message) return state;
  const node: AnswerNode = {
    kind: "answer",
    id: message,
    parent: event.parent,
    run: event.run,
    seq: event.seq,
    at: event.at,
    text: payload?.text ?? "",
    reasoning: payload?.reasoning ?? "",
    model: payload?.model ?? null,
    finish: payload?.finish ?? "stop",
    feedback: null,
    erased: payload === null,
  };
  const written = changePart(addNode(state, node), event, () => ({ message, parent: node.parent, written: true }));
  const hint = written.hint?.run === event.run ? null : written.hint;
  return event.run ? { ...dropLive(written, event.run), hint } : written;
};

const runStarted: Apply<Payloads["run.started"] | null> = (state, event, payload) => {
  const { run } = event;
  if (!run) return state;
  const keys = state.partsOf[run] ?? [];
  const part: Part = {
    key: `${run}/${keys.length}`,
    run,
    message: event.message,
    parent: event.parent ?? tip(state),
    seq: event.seq,
    at: event.at,
    model: payload?.model ?? null,
    steps: [],
    acts: [],
    waits: [],
    written: false,
    finished: null,
  };
  return { ...state, parts: { ...state.parts, [part.key]: part }, partsOf: { ...state.partsOf, [run]: [...keys, part.key] } };
};

const runFinished: Apply<Payloads["run.finished"] | null> = (state, event, payload) => {
  const finished = {
    reason: payload?.reason ?? ("done" as const),
    model: payload?.model ?? null,
    seconds: payload?.seconds ?? null,
    usage: payload?.usage ?? null,
    error: payload?.error ?? null,
    limit: payload?.limit ?? null,
    routed: payload?.routed ?? null,
  };
  const closed = changePart(state, event, () => ({ finished }));
  const hint = closed.hint?.run === event.run ? null : closed.hint;
  return event.run ? { ...dropLive(closed, event.run), hint } : closed;
};

const actIntended: Apply<Payloads["act.intended"] | null> = (state, event, payload) => {
  if (!payload) return state;
  const act: Act = {
    call: payload.call,
    tool: payload.tool,
    label: payload.label ?? "",
    receiver: payload.receiver ?? null,
    arguments: payload.arguments,
    state: "running",
    text: "",
    seconds: null,
  };
  return changePart(state, event, (part) => ({ acts: [...part.acts.filter((other) => other.call !== act.call), act] }));
};

const runWaiting: Apply<Payloads["run.waiting"] | null> = (state, event, payload) => {
  if (!payload) return state;
  const { wait: id, kind, question } = payload;
  const wait = { id, kind, question, call: payload.call ?? null, answer: null };
  return changePart(state, event, (part) => ({ waits: [...part.waits.filter((other) => other.id !== id), wait] }));
};

const feedbackGiven: Apply<Payloads["feedback.given"] | null> = (state, _event, payload) => {
  const node = payload ? state.nodes[payload.message] : undefined;
  if (!payload || node?.kind !== "answer") return state;
  return { ...state, nodes: { ...state.nodes, [node.id]: { ...node, feedback: payload.value === "none" ? null : payload.value } } };
};

const APPLY: { [type: string]: Apply<never> } = {
  "thread.created": (state, _event, payload: Payloads["thread.created"] | null) =>
    payload ? { ...state, title: payload.title, origin: payload.origin, temporary: payload.temporary } : state,
  "thread.titled": (state, _event, payload: Payloads["thread.titled"] | null) => (payload ? { ...state, title: payload.title } : state),
  "history.given": (state, _event, payload: Payloads["history.given"] | null) => (payload ? { ...state, history: payload.messages } : state),
  "message.user": messageUser,
  "message.tool": (state, { message: id, parent, seq }) => (id ? addNode(state, { kind: "tool", id, parent, seq }) : state),
  "message.assistant": messageAssistant,
  "run.started": runStarted,
  "run.finished": runFinished,
  "run.step": (state, event, payload: Payloads["run.step"] | null) => changePart(state, event, (part) => ({ steps: [...part.steps, payload?.text ?? ""] })),
  "act.intended": actIntended,
  "act.done": (state, event, payload: Payloads["act.done"] | null) =>
    payload
      ? changeAct(state, event, payload.call, {
          state: payload.failed ? "failed" : "done",
          text: payload.text ?? "",
          seconds: payload.seconds ?? null,
        })
      : state,
  "act.unknown": (state, event, payload: Payloads["act.unknown"] | null) =>
    payload ? changeAct(state, event, payload.call, { state: "unknown" }) : state,
  "run.waiting": runWaiting,
  "run.answered": (state, event, payload: Payloads["run.answered"] | null) =>
    payload
      ? changePart(state, event, (part) => ({
          waits: part.waits.map((wait) => (wait.id === payload.wait ? { ...wait, answer: payload.answer } : wait)),
        }))
      : state,
  "branch.selected": (state, _event, payload: Payloads["branch.selected"] | null) => (payload ? select(state, payload.message) : state),
  "feedback.given": feedbackGiven,
};

/** Applies an event that follows what is held. Types it does not know only move the position. */
export function applyEvent(state: ThreadState, event: LogEvent): ThreadState {
  if (event.seq <= state.seq) return state;
  const apply = APPLY[event.type] as Apply<unknown> | undefined;
  const next = apply ? apply(state, event, event.payload) : state;
  return { ...next, seq: event.seq };
}
