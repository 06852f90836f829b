import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Frame, LogEvent } from "~/api/events";
import { event, log, RUN, run } from "./fixtures";
import { EMPTY, type Sending, type ThreadState } from "./model";
import { reduce } from "./reducer";
import { type AnswerTurn, turnsOf } from "./view";

const page = (events: LogEvent[], from: ThreadState = EMPTY) => reduce(from, { type: "page", events });
const frame = (state: ThreadState, one: Frame) => reduce(state, { type: "frame", frame: one });
const frames = (state: ThreadState, all: Frame[]) => all.reduce(frame, state);

const delta = (text: string, offset: number, attempt = 1, channel: "text" | "reasoning" = "text"): Frame => ({
  kind: "delta",
  data: { message: "msg_a1", run: RUN, attempt, offset, text, channel },
});
const checkpoint = (text: string, attempt = 1, reasoning = ""): Frame => ({ kind: "checkpoint", data: { message: "msg_a1", run: RUN, attempt, text, reasoning } });

const shown = (state: ThreadState) => turnsOf(state).map((turn) => (turn.kind === "user" ? turn.node.text : turn.kind === "sending" ? `(${turn.sending.text})` : (turn.node?.text ?? turn.live?.text ?? "…")));
const sending = (text: string, parent?: string | null): Sending => ({ clientId: `c-${text}`, text, attachments: [], effort: "auto", model: undefined, parent, at: "", error: null });

const started = page(log.slice(0, 4));

describe("the log", () => {
  it("makes the same state however it arrives: pages, frames, cut anywhere, repeated at will", () => {
    const whole = page(log);
    fc.assert(
      fc.property(fc.nat(log.length), fc.array(fc.tuple(fc.nat(log.length), fc.nat(6)), { maxLength: 12 }), (cut, repeats) => {
        let state = page(log.slice(0, cut));
        for (const [from, length] of repeats) state = frames(state, log.slice(from, Math.min(from + length, cut)).map((data) => ({ kind: "event", data })));
        for (const one of log.slice(cut)) state = frame(frame(state, { kind: "event", data: one }), { kind: "event", data: one });
        expect(state).toEqual(whole);
      }),
    );
  });
  it("asks for what is missing instead of leaving a gap", () => {
    const state = frame(page(log.slice(0, 2)), { kind: "event", data: log[4] as LogEvent });
    expect(state.missing).toBe(true);
    expect(state.seq).toBe(2);
    expect(page(log.slice(2), state)).toEqual(page(log));
  });
  it("ignores types it does not know, and payloads that were erased", () => {
    const erased = page([...log.slice(0, 2), { ...(log[2] as LogEvent), payload: null }, event(4, "something.new", { any: 1 })]);
    expect(erased.seq).toBe(4);
    expect(erased.nodes.msg_u1).toMatchObject({ erased: true, text: "" });
  });
});

describe("live text", () => {
  it("is what was sent, however the stream is cut, repeated and taken up again", () => {
    const text = "Grüße 😀, 你好 𠮷! 👩‍👩‍👧 done.";
    const points = [...text];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(points.length), fc.integer({ min: 1, max: 9 }), fc.constantFrom("delta", "checkpoint", "reset")), { maxLength: 40 }), (steps) => {
        let state = started;
        let at = 0;
        for (const [back, length, kind] of steps) {
          if (kind === "checkpoint") state = frame(state, checkpoint(points.slice(0, at).join("")));
          else if (kind === "reset") state = frames(state, [{ kind: "reset", data: {} }, checkpoint(points.slice(0, at).join(""))]);
          else {
            const from = Math.max(0, at - (back % 5));
            state = frame(state, delta(points.slice(from, from + length).join(""), from));
            at = Math.max(at, Math.min(points.length, from + length));
          }
          expect(state.torn).toBe(false);
        }
        if (at > 0) expect(state.live[RUN]?.text ?? "").toBe(points.slice(0, at).join(""));
      }),
    );
  });
  it("asks for a checkpoint where something lies between", () => {
    const state = frames(started, [delta("Hello", 0), delta("lost", 9)]);
    expect(state.torn).toBe(true);
    expect(state.live[RUN]?.text).toBe("Hello");
    expect(frames(state, [checkpoint("Hello, world")])).toMatchObject({ torn: false, live: { [RUN]: { text: "Hello, world" } } });
  });
  it("drops the text of an older attempt and never takes it back", () => {
    const state = frames(started, [delta("first try", 0), delta("second", 0, 2), delta(" try", 9, 1), checkpoint("first try", 1)]);
    expect(state.live[RUN]).toMatchObject({ attempt: 2, text: "second" });
  });
  it("keeps thinking and text apart", () => {
    const state = frames(started, [delta("hm ", 0, 1, "reasoning"), delta("Yes", 0), delta("so", 3, 1, "reasoning")]);
    expect(state.live[RUN]).toMatchObject({ text: "Yes", reasoning: "hm so" });
  });
  it("is gone once the answer is written, and late frames do not bring it back", () => {
    const state = frames(page(log, frames(started, [delta("Yes, it", 0)])), [delta("Yes", 0), checkpoint("Yes")]);
    expect(state.live).toEqual({});
    expect(state).toEqual(page(log));
  });
  it("takes the place of the hint why there was nothing yet", () => {
    const waiting = frame(started, { kind: "waiting", data: { run: RUN, reason: "model_arriving", progress: 0.4 } });
    expect(waiting.hint?.progress).toBe(0.4);
    expect(frame(waiting, delta("Y", 0)).hint).toBeNull();
    expect(page(log, waiting).hint).toBeNull();
  });
});

describe("what is shown", () => {
  it("is the question, then the answer while it is written, then the answer", () => {
    expect(shown(started)).toEqual(["Question", "…"]);
    expect(shown(frame(started, delta("Ye", 0)))).toEqual(["Question", "Ye"]);
    expect(shown(page(log))).toEqual(["Question", "Yes"]);
  });
  it("is my message at once, and once only when the log has it", () => {
    const sent = reduce(EMPTY, { type: "send", message: { ...sending("Question"), clientId: "c1" } });
    expect(shown(sent)).toEqual(["(Question)"]);
    expect(shown(page(log, sent))).toEqual(["Question", "Yes"]);
    expect(page(log, sent).sending).toEqual([]);
  });
  it("cuts the way where an edited message begins a branch", () => {
    const state = reduce(page(log), { type: "send", message: sending("Other", null) });
    expect(shown(state)).toEqual(["(Other)"]);
  });
  it("is the newest branch, until another is chosen", () => {
    const more = [event(9, "message.user", { text: "Edited", client_id: "c2" }, { message: "msg_u2", actor: "person" }), ...run(10, "run_2", "msg_a2", "msg_u2", "No")];
    const state = page(more, page(log));
    expect(shown(state)).toEqual(["Edited", "No"]);
    expect(turnsOf(state)[0]).toMatchObject({ siblings: { ids: ["msg_u1", "msg_u2"], index: 1 } });
    expect(shown(reduce(state, { type: "select", message: "msg_a1" }))).toEqual(["Question", "Yes"]);
    const back = event(state.seq + 1, "branch.selected", { message: "msg_a1" });
    expect(shown(page([back], state))).toEqual(["Question", "Yes"]);
  });
  it("shows another answer beside the first while it is written", () => {
    const begun = page([event(9, "run.started", { attempt: 1 }, { run: "run_2", message: "msg_a2", parent: "msg_u1" })], page(log));
    expect(shown(begun)).toEqual(["Question", "…"]);
    expect(turnsOf(begun)[1]).toMatchObject({ node: null, siblings: { index: 1 } });
    expect((turnsOf(begun)[1] as AnswerTurn).siblings.ids).toHaveLength(2);
  });
  it("keeps what I add while an answer is written below that answer", () => {
    const added = event(5, "message.user", { text: "And more", client_id: "c3" }, { message: "msg_u3", parent: "msg_a1", actor: "person" });
    for (const state of [page([added], started), page([added], page([...log.slice(0, 3), { ...(log[3] as LogEvent), message: null, parent: null }]))]) {
      expect(shown(state)).toEqual(["Question", "…", "And more"]);
      const written = page([event(6, "message.assistant", { text: "Yes", finish: "joined" }, { run: RUN, message: "msg_a1", parent: "msg_u1" }), event(7, "run.started", { attempt: 2, joined: 1 }, { run: RUN })], state);
      expect(shown(written)).toEqual(["Question", "Yes", "And more", "…"]);
    }
  });
  it("keeps a run that failed without a word in its place", () => {
    const failed = page([event(5, "run.finished", { reason: "failed", error: { code: "x", detail: "d" } }, { run: RUN })], started);
    expect(shown(failed)).toEqual(["Question", "…"]);
    expect(turnsOf(failed)[1]).toMatchObject({ part: { finished: { reason: "failed" } } });
  });
});
