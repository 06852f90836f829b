// The shapes of what operators see of models and providers.

import type { Problem } from "./types";

/** Decimal text: per million tokens, per image, per second of video. */
export interface Amounts {
  input: string;
  cached: string;
  cache_write: string;
  output: string;
  reasoning: string;
  image: string;
  second: string;
}

export interface Price extends Amounts {
  id: string;
  model: string;
  currency: string;
  since: string;
}

export interface Priced {
  id: string;
  model: string;
  provider: string;
  kind: "chat" | "embedding";
  price: Price | null;
  coming: Price | null;
}

export interface PriceList {
  currency: string;
  items: Priced[];
  next: string | null;
}

export interface PriceVersions {
  currency: string;
  items: Price[];
  next: string | null;
}

export interface PriceChange {
  line: string;
  model: string | null;
  change: "new" | "changed" | "same" | "unknown" | "currency" | "malformed";
  before: Amounts | null;
  after: Amounts | null;
  problem: Problem | null;
}

export interface PriceFileResult {
  currency: string;
  applied: boolean;
  changes: PriceChange[];
}

// ---- providers ----------------------------------------------------------------------

/** Who may use a model or an alias. */
export interface Access {
  kind: "everybody" | "operators" | "organisations" | "roles";
  organisations: string[];
  roles: ("owner" | "operator" | "member")[];
}

export interface ProviderModel {
  id: string;
  name: string;
  upstream_model: string;
  kind: string;
  context_tokens: number;
  vision: boolean;
  native_tools: boolean;
  reasoning: boolean;
  licence: string;
  enabled: boolean;
  hidden: boolean;
  access: Access;
  default: boolean;
}

/** What a provider speaks. */
export type Protocol = "openai" | "responses" | "anthropic" | "gemini";

export type Health = "ok" | "failing" | "unknown";

export interface Limits {
  calls_max: number | null;
  tokens_per_minute: number | null;
}

/** An account at a provider: `tail` is the end of its key. */
export interface ProviderKey {
  id: string;
  name: string;
  has_key: boolean;
  tail: string;
  paused: boolean;
  limits: Limits;
  state: Health;
  problem: Problem | null;
  used_at: string | null;
  failed_at: string | null;
}

export interface Timeouts {
  first_byte_s: number | null;
  silence_s: number | null;
  total_s: number | null;
}

export interface Provider {
  id: string;
  name: string;
  kind: Protocol;
  base_url: string;
  has_key: boolean;
  state: Health;
  problem: Problem | null;
  keys: ProviderKey[];
  timeouts: Timeouts;
  models: ProviderModel[];
}

/** A name that stands for models; those of one tier share the load, a later tier stands by. */
export interface Alias {
  id: string;
  name: string;
  kind: "chat" | "embedding";
  note: string;
  enabled: boolean;
  hidden: boolean;
  access: Access;
  tiers: string[][];
  default: boolean;
  context_tokens: number | null;
  vision: boolean;
  native_tools: boolean;
  reasoning: boolean;
}
