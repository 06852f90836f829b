// Everything that can change a thread on the client goes through here.
import type { Frame, LogEvent } from "~/api/events";
import { applyCheckpoint, applyDelta, applyReset } from "./live";
import { applyEvent, select } from "./log";
import { lastPart, type Sending, type ThreadState } from "./model";

export type Action =
  /** A page of the log, as the server has it: complete after the position it was asked for. */
  | { type: "page"; events: LogEvent[] }
  | { type: "frame"; frame: Frame }
  | { type: "send"; message: Sending }
  | { type: "send-failed"; clientId: string; error: unknown }
  | { type: "send-again"; clientId: string }
  | { type: "discard"; clientId: string }
  | { type: "select"; message: string };

function applyFrame(state: ThreadState, frame: Frame): ThreadState {
  switch (frame.kind) {
    case "event":
      if (frame.data.seq > state.seq + 1) return state.missing ? state : { ...state, missing: true };
      return applyEvent(state, frame.data);
    case "delta":
      return applyDelta(state, frame.data);
    case "checkpoint":
      return applyCheckpoint(state, frame.data);
    case "reset":
      return applyReset(state, frame.data.message);
    case "waiting":
      return lastPart(state, frame.data.run)?.finished ? state : { ...state, hint: frame.data };
  }
}

function changeSending(state: ThreadState, clientId: string, change: Partial<Sending>): ThreadState {
  return { ...state, sending: state.sending.map((mine) => (mine.clientId === clientId ? { ...mine, ...change } : mine)) };
}

export function reduce(state: ThreadState, action: Action): ThreadState {
  switch (action.type) {
    case "page":
      return { ...action.events.reduce(applyEvent, state), missing: false };
    case "frame":
      return applyFrame(state, action.frame);
    case "send":
      return { ...state, sending: [...state.sending.filter((mine) => mine.clientId !== action.message.clientId), action.message] };
    case "send-failed":
      return changeSending(state, action.clientId, { error: action.error });
    case "send-again":
      return changeSending(state, action.clientId, { error: null });
    case "discard":
      return { ...state, sending: state.sending.filter((mine) => mine.clientId !== action.clientId) };
    case "select":
      return select(state, action.message);
  }
}
