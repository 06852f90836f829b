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

// ---- people ---------------------------------------------------------------------

export type Role = "owner" | "operator" | "member";
export type SignUpPolicy = "closed" | "invitation" | "open";

export interface Installation {
  name: string;
  version: string;
  languages: string[];
  sign_up: SignUpPolicy;
  needs_owner: boolean;
  mail: boolean;
  public_url: string;
}

export interface Person {
  id: string;
  email: string;
  name: string;
  role: Role;
  locale: string;
  timezone: string;
  created_at: string;
  has_password: boolean;
  totp: boolean;
  passkeys: number;
  recovery_codes_left: number;
  state?: string;
}

export interface Space {
  id: string;
  kind: "personal" | "membership";
  organisation: string | null;
  organisation_name: string | null;
  role: string | null;
}

export interface Session {
  installation: Installation;
  person: Person | null;
  csrf: string | null;
  space: Space | null;
  spaces: Space[];
  second_factor_needed: boolean;
}

export interface LinkInfo {
  kind: "setup" | "invitation" | "reset";
  email: string | null;
  expires_at: string;
}

export interface Passkey {
  id: string;
  name: string;
  created_at: string;
  last_used_at: string | null;
}

export interface PasskeyChallenge<Options> {
  challenge_id: string;
  options: Options;
}

export interface SignedInSession {
  id: string;
  created_at: string;
  last_seen_at: string;
  address: string | null;
  user_agent: string | null;
  surface: string | null;
  current: boolean;
}

export interface ApiKey {
  id: string;
  name: string;
  scopes: string[];
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
  prefix: string;
  secret?: string;
}

export interface Invitation {
  id: string;
  url?: string;
  email: string | null;
  role: Role;
  expires_at: string;
  created_at?: string;
  used_at?: string | null;
}

export interface AuditEntry {
  seq: number;
  at: string;
  actor: { kind: string; person: string | null };
  action: string;
  subject: string | null;
  details: Record<string, unknown> | null;
}

export interface Notice {
  id: string;
  kind: string;
  params: Record<string, string | number | boolean | null>;
  link: string | null;
  created_at: string;
  read_at: string | null;
}

export interface Notices extends List<Notice> {
  unread: number;
}

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
  default: boolean;
  licence: string | null;
}

export interface LocalModel {
  name: string;
  licence: string;
  publisher: string;
  state: "off" | "absent" | "arriving" | "paused" | "loading" | "ready" | "failed";
  bytes_done: number | null;
  bytes_total: number | null;
  seconds_left: number | null;
  problem: string;
}

export interface ProviderModel {
  id: string;
  name: string;
  upstream_model: string;
  kind: string;
  context_tokens: number;
  vision: boolean;
  native_tools: boolean;
  enabled: boolean;
  default: boolean;
}

export interface Provider {
  id: string;
  name: string;
  kind: string;
  base_url: string;
  has_key: boolean;
  state: "ok" | "failing" | "unknown";
  last_error: string | null;
  models: ProviderModel[];
}

export interface ModelTest {
  ok: boolean;
  latency_ms: number;
  text: string;
  problem?: string | null;
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
  created_at: string;
  updated_at: string;
}

export interface Found {
  thread: Thread;
  message: string | null;
  snippet: { text: string; hit: boolean }[];
  at: string;
}

export interface Attachment {
  id: string;
  name: string;
  media_type: string;
  size_bytes: number;
  state?: "reading" | "ready" | "failed";
  problem?: string | null;
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
  cron: string;
  timezone: string;
  words: string;
  next_at: string | null;
  last_at: string | null;
  enabled: boolean;
  thread: string | null;
}
