// A stand-in for the server while the client is being worked on: the same contract, everything in memory, gone at exit.
//   npm run mock   then   npm run dev     and sign in with any address and password
// MOCK_FRESH=1 begins without an owner, MOCK_ARRIVING=1 with a model on its way.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { answerFor, sampleThreads } from "./samples.mjs";
import { small } from "./small.mjs";

const PORT = Number(process.env.MOCK_PORT ?? 4173);
const id = (prefix) => `${prefix}_${randomUUID().replaceAll("-", "").slice(0, 20)}`;
const now = () => new Date().toISOString();

const state = {
  signedIn: process.env.MOCK_SIGNED_OUT !== "1" && process.env.MOCK_FRESH !== "1",
  owner: process.env.MOCK_FRESH !== "1",
  person: { id: "prs_1", email: "ines@example.org", email_verified: true, pending_email: null, name: "Ines Peeters", role: "owner", locale: process.env.MOCK_LOCALE ?? "en", timezone: "Europe/Brussels", created_at: "2026-10-01T08:00:00Z", has_password: true, totp: false, passkeys: 0, recovery_codes_left: 0 },
  threads: new Map(),
  listeners: new Set(),
  arriving: process.env.MOCK_ARRIVING === "1" ? { state: "arriving", done: 150_000_000, total: 478_000_000 } : null,
};

// ---- threads ---------------------------------------------------------------------

function makeThread({ title = "", origin = "chat", temporary = false, at = now(), ...rest } = {}) {
  const thread = { id: id("thr"), title, origin, state: "idle", head_seq: 0, pinned: false, archived: false, temporary, unread: false, created_at: at, updated_at: at, ...rest };
  const record = { thread, events: [], followers: new Set(), live: null, run: null, tip: null, client: new Map() };
  state.threads.set(thread.id, record);
  append(record, "thread.created", { title, origin, temporary }, { at });
  return record;
}

function append(record, type, payload, { run = null, message = null, parent = null, at = now(), actor = "mecum" } = {}) {
  const event = { seq: ++record.thread.head_seq, id: id("evt"), type, v: 1, at, actor, run, message, parent, payload };
  record.events.push(event);
  record.thread.updated_at = at;
  for (const follower of record.followers) frame(follower, "event", event, String(event.seq));
  return event;
}

function changed(record) {
  for (const response of state.listeners) frame(response, "threads", { thread: record.thread });
}

function frame(response, event, data, position) {
  response.write(`event: ${event}\n${position ? `id: ${position}\n` : ""}data: ${JSON.stringify(data)}\n\n`);
}

function post(record, body) {
  const known = record.client.get(body.client_id);
  if (known) return { ...known, repeated: true };
  const message = id("msg");
  const parent = body.parent !== undefined ? body.parent : record.tip;
  if (!record.thread.title) {
    record.thread.title = body.text.slice(0, 48);
    append(record, "thread.titled", { title: record.thread.title, by: "mecum" });
  }
  append(record, "message.user", { text: body.text, attachments: (body.attachments ?? []).map((a) => files.get(a)).filter(Boolean), effort: body.effort ?? "auto", model: body.model ?? null, client_id: body.client_id, surface: "web" }, { message, parent, actor: "person" });
  const run = start(record, message, body);
  const posted = { thread: record.thread.id, message, run, seq: record.thread.head_seq, repeated: false };
  record.client.set(body.client_id, posted);
  return posted;
}

function start(record, parent, body) {
  const run = id("run");
  const answer = id("msg");
  record.run = { id: run, answer, parent, stopped: false, wake: null };
  record.tip = answer;
  record.thread.state = "running";
  append(record, "run.started", { attempt: 1, model: null }, { run, message: answer, parent });
  changed(record);
  void answerRun(record, record.run, body);
  return run;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function liveFrame(record, kind, data) {
  const { attempt, text } = record.live;
  for (const follower of record.followers) frame(follower, kind, data, `${record.thread.head_seq}:${attempt}:${[...text].length}`);
}

async function say(record, run, text, channel = "text") {
  const live = (record.live ??= { message: run.answer, run: run.id, attempt: 1, text: "", reasoning: "" });
  if (live.text === "" && live.reasoning === "") liveFrame(record, "checkpoint", live);
  for (const piece of text.match(/[\s\S]{1,7}/gu) ?? []) {
    if (run.stopped) return;
    await sleep(process.env.MOCK_FAST ? 2 : 28);
    const offset = [...live[channel]].length;
    live[channel] += piece;
    liveFrame(record, "delta", { message: live.message, run: live.run, attempt: live.attempt, offset, text: piece, channel });
  }
}

async function answerRun(record, run, body) {
  const script = answerFor(body.text ?? "", body.effort);
  const at = { run: run.id, message: run.answer };
  const started = Date.now();
  while (state.arriving && state.arriving.state !== "ready") {
    const part = state.arriving.done / state.arriving.total;
    for (const follower of record.followers) frame(follower, "waiting", { run: run.id, reason: "model_arriving", progress: part, about_seconds: (1 - part) * 40 });
    await sleep(500);
  }
  for (const step of script) {
    if (run.stopped) break;
    if (step.think) await say(record, run, step.think, "reasoning");
    else if (step.say) await say(record, run, step.say);
    else if (step.act) {
      append(record, "act.intended", { call: step.act.call, tool: step.act.tool, arguments: step.act.arguments ?? {}, receiver: step.act.receiver ?? null, label: step.act.label ?? step.act.tool }, at);
      await sleep(process.env.MOCK_FAST ? 30 : 900);
      append(record, "act.done", { call: step.act.call, text: step.act.text ?? "", failed: step.act.failed ?? false, seconds: 0.9 }, at);
    } else if (step.wait) {
      record.thread.state = "waiting";
      append(record, "run.waiting", { wait: id("wai"), ...step.wait }, at);
      changed(record);
      await new Promise((resolve) => (run.wake = resolve));
      record.thread.state = "running";
    } else if (step.fail) return finish(record, run, "failed", started, step.fail);
  }
  finish(record, run, run.stopped ? "stopped" : "done", started);
}

function finish(record, run, reason, started, error) {
  const { text = "", reasoning = "" } = record.live ?? {};
  record.live = null;
  record.run = null;
  const at = { run: run.id, message: run.answer };
  append(record, "message.assistant", { text, reasoning, model: "qwen2.5-coder-0.5b", finish: reason === "done" ? "stop" : reason, tool_steps: 0 }, { ...at, parent: run.parent });
  append(record, "run.finished", { reason, usage: { input: 120, output: 80, cached: 0, reasoning: 0 }, model: "qwen2.5-coder-0.5b", provider: "local", seconds: (Date.now() - started) / 1000, ...(error ? { error } : {}) }, at);
  record.thread.state = "idle";
  changed(record);
}

function stream(record, request, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const [seq] = (request.headers["last-event-id"] ?? "0").split(":").map(Number);
  for (const event of record.events) if (event.seq > seq) frame(response, "event", event, String(event.seq));
  if (record.live) {
    frame(response, "reset", { message: record.live.message });
    frame(response, "checkpoint", record.live, `${record.thread.head_seq}:${record.live.attempt}:${[...record.live.text].length}`);
  }
  keep(response, record.followers);
}

function keep(response, set) {
  frame(response, "ping", {});
  set.add(response);
  const ping = setInterval(() => frame(response, "ping", {}), 15_000);
  response.on("close", () => {
    clearInterval(ping);
    set.delete(response);
  });
}

// ---- the rest --------------------------------------------------------------------

const files = new Map();
const listed = (items) => ({ items, next: null });

function session() {
  const space = { id: "spc_1", kind: "personal", organisation: "org_1", organisation_name: "home", role: "admin" };
  return {
    installation: { name: "Mecum", version: "0.1.0", languages: ["en", "zh"], sign_up: "invitation", needs_owner: !state.owner, mail: true, public_url: "http://localhost:5173", limits: { password_chars: 10, reset_mail_hours: 1, deleted_days: 30 } },
    person: state.signedIn ? state.person : null, csrf: state.signedIn ? "csrf" : null,
    space: state.signedIn ? space : null, spaces: state.signedIn ? [space, { ...space, id: "spc_2", kind: "membership", organisation_name: "Harbour & Co" }] : [],
    second_factor_needed: false,
  };
}

function localModel() {
  const about = { name: "Qwen2.5-Coder 0.5B", licence: "Apache-2.0", publisher: "Qwen", sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046", problem: null };
  const a = state.arriving;
  if (!a) return { ...about, state: "ready", bytes_done: 478e6, bytes_total: 478e6, seconds_left: null };
  return { ...about, state: a.state, bytes_done: a.done, bytes_total: a.total, seconds_left: a.state === "arriving" ? (a.total - a.done) / 8e6 : null };
}
if (state.arriving) {
  setInterval(() => {
    if (state.arriving.state === "arriving") state.arriving.done = Math.min(state.arriving.total, state.arriving.done + 4e6);
    if (state.arriving.done >= state.arriving.total) state.arriving.state = "ready";
  }, 500).unref();
}

const enter = (body) => {
  state.signedIn = true;
  state.owner = true;
  if (body.name) Object.assign(state.person, { name: body.name, email: body.email, locale: body.locale });
  return session();
};

const routes = {
  "GET /session": () => session(),
  "POST /sign-in": (body) => (body.password === "wrong" ? problem(401, "people.sign_in_wrong", "E-mail address and password don't belong together.", "Check both, or reset the password.") : enter({})),
  "POST /setup": enter,
  "POST /sign-up": enter,
  "POST /sign-out": () => void (state.signedIn = false),
  "GET /me": () => state.person,
  "PATCH /me": (body) => Object.assign(state.person, body),
  "GET /models/local": localModel,
  "POST /models/local/pause": () => void (state.arriving.state = "paused"),
  "POST /models/local/resume": () => void (state.arriving.state = "arriving"),
  "GET /threads": (_body, url) => {
    const archived = url.searchParams.get("archived") === "true";
    const all = [...state.threads.values()].map((record) => record.thread).filter((thread) => !thread.temporary && thread.archived === archived);
    return listed(all.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1)));
  },
  "GET /threads/search": (_body, url) => {
    const words = url.searchParams.get("q").toLowerCase();
    const hits = [...state.threads.values()].filter(({ thread }) => thread.title.toLowerCase().includes(words));
    return listed(
      hits.map(({ thread }) => {
        const at = thread.title.toLowerCase().indexOf(words);
        const pieces = [thread.title.slice(0, at), thread.title.slice(at, at + words.length), thread.title.slice(at + words.length)];
        return { thread, where: "title", message: null, file: null, snippet: pieces.map((text, piece) => ({ text, hit: piece === 1 })), at: thread.updated_at };
      }),
    );
  },
  "POST /messages": (body) => post(makeThread({ temporary: body.temporary }), body),
};

const threadRoutes = {
  "GET ": (record) => record.thread,
  "PATCH ": (record, body) => {
    Object.assign(record.thread, body);
    if (body.title) append(record, "thread.titled", { title: body.title, by: "person" });
    changed(record);
    return record.thread;
  },
  "DELETE ": (record) => void (record.thread.archived = null),
  "POST /restore": (record) => Object.assign(record.thread, { archived: false }),
  "POST /read": (record) => void (record.thread.unread = false),
  "POST /messages": (record, body) => post(record, body),
  "POST /stop": (record) => {
    if (record.run) record.run.stopped = true;
    record.run?.wake?.();
    return { stopped: Boolean(record.run) };
  },
  "POST /branch": (record, body) => void append(record, "branch.selected", body, { actor: "person" }),
  "GET /shares": () => listed([]),
};

function threadRoute(request, response, url, body) {
  const [, , thread, ...rest] = url.pathname.slice(4).split("/");
  const record = state.threads.get(thread);
  if (!record) return problem(404, "assistant.thread_unknown", "There is no such thread.");
  const path = rest.length ? `/${rest.join("/")}` : "";
  if (path === "/events") {
    if (url.searchParams.has("stream")) return void stream(record, request, response) ?? STREAMED;
    const after = Number(url.searchParams.get("after") ?? 0);
    return listed(record.events.filter((event) => event.seq > after));
  }
  if (rest[0] === "waits") {
    append(record, "run.answered", { wait: rest[1], answer: body.answer }, { run: record.run.id, message: record.run.answer, actor: "person" });
    record.run.wake?.();
    return undefined;
  }
  if (rest[2] === "feedback") return void append(record, "feedback.given", { message: rest[1], ...body }, { actor: "person" });
  if (rest[2] === "regenerate") {
    const answer = record.events.find((event) => event.type === "message.assistant" && event.message === rest[1]);
    const asked = record.events.find((event) => event.type === "message.user" && event.message === answer.parent);
    return { run: start(record, answer.parent, { ...asked.payload, effort: body.effort ?? "auto" }) };
  }
  return threadRoutes[`${request.method} ${path}`]?.(record, body) ?? undefined;
}

const STREAMED = Symbol("streamed");
const problem = (status, code, detail, hint = "") => ({ refused: { status, code, detail, hint, params: {}, retryable: false } });

function upload(request) {
  const file = { id: id("att"), name: decodeURIComponent(/filename="([^"]+)"/.exec(request.body)?.[1] ?? "file"), media_type: "text/plain", size_bytes: request.body.length, state: "ready" };
  files.set(file.id, file);
  return file;
}

function route(request, response, url, body) {
  const path = url.pathname.slice(4);
  if (path === "/me/stream") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    return keep(response, state.listeners) ?? STREAMED;
  }
  if (path === "/attachments" && request.method === "POST") return upload(request);
  const exact = routes[`${request.method} ${path}`];
  if (exact) return exact(body, url);
  if (path.startsWith("/threads/")) return threadRoute(request, response, url, body);
  return small(request.method, path, body, { state, listed, problem, id, now });
}

for (const sample of sampleThreads()) {
  const record = makeThread(sample.thread);
  for (const event of sample.events) append(record, event.type, event.payload, event);
  record.tip = sample.tip ?? null;
  Object.assign(record.thread, { updated_at: sample.thread.at, state: sample.thread.state ?? "idle" });
}

createServer(async (request, response) => {
  const url = new URL(request.url, "http://mock");
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  request.body = Buffer.concat(chunks).toString("latin1");
  let body = {};
  if (request.headers["content-type"]?.includes("json")) body = JSON.parse(Buffer.concat(chunks).toString() || "{}");
  const answer = route(request, response, url, body);
  if (answer === STREAMED) return;
  const status = answer?.refused?.status ?? (answer === undefined ? 204 : 200);
  response.writeHead(status, { "content-type": answer?.refused ? "application/problem+json" : "application/json" });
  response.end(answer === undefined ? undefined : JSON.stringify(answer.refused ?? answer));
}).listen(PORT, "127.0.0.1", () => console.log(`mock on http://127.0.0.1:${PORT}`));
