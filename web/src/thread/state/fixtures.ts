// Logs for tests.
import type { LogEvent } from "~/api/events";

export const RUN = "run_1";

export function event(seq: number, type: string, payload: unknown, rest: Partial<LogEvent> = {}): LogEvent {
  return { seq, id: `evt_${seq}`, type, v: 1, at: "2026-11-23T09:00:00Z", actor: "mecum", run: null, message: null, parent: null, payload, ...rest };
}

/** A run that thinks, reads a page and answers, from event `seq` on. */
export function run(seq: number, id: string, message: string, parent: string, text: string): LogEvent[] {
  const mine = { run: id, message };
  return [
    event(seq, "run.started", { attempt: 1, model: null }, { ...mine, parent }),
    event(seq + 1, "act.intended", { call: "c1", tool: "read_page", arguments: { url: "https://example.org" }, label: "read_page" }, mine),
    event(seq + 2, "act.done", { call: "c1", text: "a page", failed: false, seconds: 1.5 }, mine),
    event(seq + 3, "message.assistant", { text, model: "small", finish: "stop", tool_steps: 1 }, { ...mine, parent }),
    event(seq + 4, "run.finished", { reason: "done", model: "small", provider: "local", seconds: 2, usage: { input: 1, output: 1 } }, mine),
  ];
}

/** A thread with one question and its answer: eight events. */
export const log: LogEvent[] = [
  event(1, "thread.created", { title: "", origin: "chat", temporary: false }, { actor: "person" }),
  event(2, "thread.titled", { title: "Question", by: "mecum" }),
  event(3, "message.user", { text: "Question", attachments: [], effort: "auto", model: null, client_id: "c1", surface: "web" }, { message: "msg_u1", actor: "person" }),
  ...run(4, RUN, "msg_a1", "msg_u1", "Yes"),
];
