// Live text: deltas, checkpoints, resets. Nothing here is stored; the log has the last word.
import type { Checkpoint, Delta } from "~/api/events";
import { type Live, lastPart, type ThreadState } from "./model";

/** Length in code points; JavaScript's own counts emoji and rare Han characters twice. */
export function lengthOf(text: string): number {
  let pairs = 0;
  for (let at = 0; at < text.length - 1; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      pairs += 1;
      at += 1;
    }
  }
  return text.length - pairs;
}

/** `text` without its first `count` code points. */
export function dropFirst(text: string, count: number): string {
  let at = 0;
  for (let left = count; left > 0 && at < text.length; left--) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(at);
}

/** Whether this frame belongs to an answer that is written, or to a run that is over. */
function over(state: ThreadState, frame: { run: string; message: string }): boolean {
  if (state.nodes[frame.message]) return true;
  const part = lastPart(state, frame.run);
  return part !== undefined && part.finished !== null;
}

function blank(frame: { message: string; run: string; attempt: number }): Live {
  const { message, run, attempt } = frame;
  return { message, run, attempt, text: "", textLength: 0, reasoning: "", reasoningLength: 0 };
}

function put(state: ThreadState, live: Live): ThreadState {
  const hint = state.hint?.run === live.run ? null : state.hint;
  return { ...state, hint, live: { ...state.live, [live.run]: live } };
}

/** Adds a delta. What is there already is skipped; where something lies between, `torn` asks for a checkpoint. */
export function applyDelta(state: ThreadState, delta: Delta): ThreadState {
  if (over(state, delta)) return state;
  const held = state.live[delta.run];
  if (held && delta.attempt < held.attempt) return state;
  const live = held && held.attempt === delta.attempt && held.message === delta.message ? held : blank(delta);
  const thinking = delta.channel === "reasoning";
  const have = thinking ? live.reasoningLength : live.textLength;
  if (delta.offset > have) {
    const kept = live === held ? state : put(state, live);
    return kept.torn ? kept : { ...kept, torn: true };
  }
  const added = dropFirst(delta.text, have - delta.offset);
  if (added === "") return live === held ? state : put(state, live);
  const length = have + lengthOf(added);
  return put(
    state,
    thinking
      ? { ...live, reasoning: live.reasoning + added, reasoningLength: length }
      : { ...live, text: live.text + added, textLength: length },
  );
}

/** Takes the whole partial text, unless what is held of the same attempt is longer already. */
export function applyCheckpoint(state: ThreadState, point: Checkpoint): ThreadState {
  if (over(state, point)) return state;
  const held = state.live[point.run];
  if (held && point.attempt < held.attempt) return state;
  const same = held && held.attempt === point.attempt && held.message === point.message ? held : null;
  const reasoning = point.reasoning ?? "";
  const live: Live = { ...blank(point), text: point.text, textLength: lengthOf(point.text), reasoning, reasoningLength: lengthOf(reasoning) };
  if (same && same.textLength > live.textLength) Object.assign(live, { text: same.text, textLength: same.textLength });
  if (same && same.reasoningLength > live.reasoningLength) {
    Object.assign(live, { reasoning: same.reasoning, reasoningLength: same.reasoningLength });
  }
  return { ...put(state, live), torn: false };
}

/** Drops partial text: of one message, or all of it. */
export function applyReset(state: ThreadState, message: string | undefined): ThreadState {
  const live = Object.fromEntries(Object.entries(state.live).filter(([, held]) => message !== undefined && held.message !== message));
  return { ...state, live, torn: false };
}

export function dropLive(state: ThreadState, run: string): ThreadState {
  if (!(run in state.live)) return state;
  const { [run]: _, ...live } = state.live;
  return { ...state, live };
}
