// The shapes of what operators see of models and providers.

import type { Problem } from "./types";

/** Decimal text: per million tokens, per image, per second of video. */
export interface Amounts {
  input: string;
  cached: string;
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
