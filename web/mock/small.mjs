// The mock's lists and forms: enough to see every page with something on it.
const models = [
  { name: "qwen2.5-coder-0.5b", provider: "local", kind: "chat", context_tokens: 32_768, vision: false, native_tools: false, local: true, small: true, default: true, licence: "Apache-2.0" },
  { name: "large-one", provider: "Example", kind: "chat", context_tokens: 128_000, vision: true, native_tools: true, local: false, small: false, default: false, licence: "" },
];
const providers = [
  { id: "prv_1", name: "Example", kind: "openai", base_url: "https://api.example.com/v1", has_key: true, state: "ok", problem: null, models: [{ id: "mdl_1", name: "large-one", upstream_model: "large-one-2026", kind: "chat", context_tokens: 128_000, vision: true, native_tools: true, enabled: true, default: false }] },
  { id: "prv_2", name: "Cellar", kind: "openai", base_url: "http://10.0.0.7:8000/v1", has_key: false, state: "failing", problem: { code: "models.provider_unreachable", detail: "Cellar can't be reached (Connection refused).", hint: "", params: { provider: "Cellar", why: "Connection refused" }, retryable: true }, models: [] },
];
const people = [
  { id: "prs_1", email: "ines@example.org", email_verified: true, name: "Ines Peeters", role: "owner", state: "active", created_at: "2026-10-01T08:00:00Z" },
  { id: "prs_2", email: "tom@example.org", email_verified: false, name: "Tom Claes", role: "member", state: "active", created_at: "2026-10-20T08:00:00Z" },
  { id: "prs_3", email: "li@example.org", email_verified: false, name: "李雷", role: "operator", state: "disabled", created_at: "2026-11-02T08:00:00Z" },
];
const lists = {
  "/models": models,
  "/providers": providers,
  "/people": people,
  "/invitations": [{ id: "inv_1", url: "http://localhost:5173/invitation/abc", email: "new@example.org", role: "member", created_at: "2026-11-20T08:00:00Z", expires_at: "2026-12-01T08:00:00Z" }],
  "/audit": [
    { seq: 12, at: "2026-11-23T09:12:00Z", actor: { kind: "session", person: "prs_1" }, action: "people.person_added", subject: "prs_2", details: { role: "member" } },
    { seq: 11, at: "2026-11-22T19:40:00Z", actor: { kind: "session", person: "prs_1" }, action: "models.provider_added", subject: "prv_1", details: { name: "Example" } },
  ],
  "/me/passkeys": [{ id: "pky_1", name: "Phone", created_at: "2026-10-02T08:00:00Z", last_used_at: "2026-11-20T08:00:00Z", host: "localhost", works_here: true }],
  "/me/sessions": [
    { id: "ses_1", created_at: "2026-11-01T08:00:00Z", last_seen_at: "2026-11-23T08:00:00Z", address: "127.0.0.1", user_agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140", surface: "web", current: true },
    { id: "ses_2", created_at: "2026-11-02T08:00:00Z", last_seen_at: "2026-11-21T18:00:00Z", address: "192.168.1.4", user_agent: "Mozilla/5.0 (iPhone) Mobile Safari/605", surface: "web", current: false },
  ],
  "/me/keys": [{ id: "key_1", name: "Backup script", scopes: ["chat"], created_at: "2026-11-01T08:00:00Z", last_used_at: null, expires_at: "2027-01-01T00:00:00Z", prefix: "mk_7f3a" }],
  "/shares": [{ id: "shr_1", thread: "thr_x", title: "Train passes compared", url: "http://localhost:5173/s/abcdef", created_at: "2026-11-20T08:00:00Z" }],
  "/schedules": [{ id: "sch_1", title: "Weekly energy report", text: "Read my meter file and tell me what changed.", cron: "0 9 * * 1", once: false, timezone: "Europe/Brussels", next_at: "2026-11-30T08:00:00Z", last_at: "2026-11-23T08:00:00Z", enabled: true, thread: null }],
};

/** One of the lists, or the answer to a form. */
export function small(method, path, body, { listed, problem, id, now }) {
  if (method === "GET" && path === "/notifications") {
    return { ...listed([{ id: "ntf_1", kind: "assistant.finished", params: { title: "Weekly energy report" }, link: "/t/none", created_at: now(), read_at: null }]), unread: 1 };
  }
  if (path === "/notifications/preferences") {
    const kinds = ["assistant.finished", "assistant.failed", "assistant.waiting", "people.sign_in_changed"].map((kind) => ({ kind, bell: true, mail: false, default_bell: true, default_mail: false }));
    return { kinds, quiet: null, mail_available: true };
  }
  if (path === "/settings/sign-up" && method === "PUT") return body;
  if (method === "GET" && path === "/settings/sign-up") return { policy: "invitation" };
  if (method === "GET" && lists[path]) return listed(lists[path]);
  if (path.startsWith("/links/")) {
    const kind = path.slice(7).split("-")[0];
    return ["setup", "invitation", "sign_up", "reset", "verification"].includes(kind) ? { kind, email: kind === "setup" ? null : "new@example.org", expires_at: now() } : problem(410, "people.link_over", "This link was used already or has expired.", "Ask for a new one.");
  }
  if (path.startsWith("/shared/")) {
    if (path.endsWith("gone")) return problem(404, "assistant.share_unknown", "There is no such page.");
    return { title: "Train passes compared", created_at: "2026-11-20T08:00:00Z", by: "Ines Peeters", messages: [{ role: "you", text: "Which pass pays off?", at: "2026-11-20T07:58:00Z", attachments: ["fares.pdf"] }, { role: "mecum", text: "The **yearly** one, from 14 trips a month on.", at: "2026-11-20T07:59:00Z", attachments: [] }] };
  }
  if (path === "/me/totp" && method === "POST") return { secret: "JBSWY3DPEHPK3PXP", uri: "otpauth://totp/Mecum:ines@example.org?secret=JBSWY3DPEHPK3PXP&issuer=Mecum" };
  if (path === "/me/totp/confirm" || path === "/me/recovery-codes") return { recovery_codes: Array.from({ length: 8 }, (_, n) => `k${n}f7-9q2${n}-${n}xp4`) };
  if (path === "/me/keys" && method === "POST") return { id: id("key"), prefix: "mk_new1", created_at: now(), last_used_at: null, expires_at: null, ...body, secret: "mk_new1_5f8e2c0b9a7d4e1f6c3b8a5d2e9f4c7b" };
  if (path === "/providers/discover") return { models: [{ id: "large-one-2026", context_tokens: 128_000 }, { id: "small-one-2026", context_tokens: 32_000 }] };
  if (path === "/providers/test") return { ok: !/bad/.test(body.base_url), latency_ms: 412, text: "Hello.", problem: /bad/.test(body.base_url) ? { code: "models.unreachable", detail: "Nobody answers at this address.", hint: "Check it, and that the server runs." } : null };
  if (path.endsWith("/test")) return { ok: true, latency_ms: 388, text: "Hello.", problem: null };
  if (path.endsWith("/reset-link")) return { url: "http://localhost:5173/reset/abc", expires_at: now() };
  if (path === "/people" && method === "POST") return { person: { ...people[1], ...body, id: id("prs") }, link: { url: "http://localhost:5173/reset/abc", expires_at: now() } };
  if (path === "/invitations" && method === "POST") return { ...lists["/invitations"][0], ...body, id: id("inv") };
  if (path === "/schedules/read") return { cron: "0 9 * * 1", once: false, next_at: "2026-11-30T08:00:00Z" };
  if (path.endsWith("/shares") && method === "POST") return { id: id("shr"), url: "http://localhost:5173/s/new", created_at: now() };
  return undefined;
}
