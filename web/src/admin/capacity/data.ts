// What `/api/capacity` tells, and how often it is asked: only while the page is looked at.
import { queryOptions } from "@tanstack/react-query";
import { api } from "~/api/http";

export const BANDS = ["interactive", "api", "background", "bulk"] as const;
export type Band = (typeof BANDS)[number];
export type Span = "hour" | "day" | "week";

export interface BandLoad {
  band: Band;
  used: number;
  running: number;
  waiting: number;
  ceiling: number;
  /** Since when there has been somebody in the line without a break. */
  waiting_since: string | null;
}

export interface Pool {
  name: string;
  /** The built-in model. */
  local: boolean;
  unit: "tokens" | "calls";
  state: "free" | "full" | "held" | "absent";
  limit: number;
  used: number;
  running: number;
  waiting: number;
  bands: BandLoad[];
  slowdown: number;
  held_s: number;
  first_word_s: number | null;
  /** Who has most of it while others wait. */
  largest: { person: string | null; key: string | null; share: number } | null;
}

export interface Wait {
  pool: string;
  person: string | null;
  key: string | null;
  band: Band;
  calls: number;
  longest_s: number;
  why: "held" | "minute" | "absent" | "ceiling" | "full" | "behind";
  ceiling: number;
  before: number;
  about_s: number | null;
}

export interface Look {
  at: string;
  /** Server processes there are; of them, those that did not say what they see. */
  replicas: number;
  silent: number;
  pools: Pool[];
  waits: Wait[];
  groups: number;
  waiting: number;
  longest_s: Partial<Record<Band, number>>;
  ceilings: Record<Band, number>;
}

export interface ModelTotals {
  provider: string;
  model: string;
  calls: number;
  tokens: number;
  cost_micros: number;
  refused: number;
  degraded: number;
  longest_wait_s: number;
}

export interface History {
  span: Span;
  step_s: number;
  /** Seconds since 1970, when each step began. */
  times: number[];
  served: Record<Band, number[]>;
  unmet: number[];
  degraded: number[];
  waits: Record<Band, (number | null)[]>;
  first_words: Partial<Record<Band, (number | null)[]>>;
  refused: number;
  /** Of them, those that a budget refused; only known of the last hour. */
  over_budget: number | null;
  pools: { name: string; limit: number[]; used: number[] }[];
  currency: string;
  models: ModelTotals[];
}

// While the page is hidden nothing is asked: the query cache stops by itself.
export const lookQuery = queryOptions({
  queryKey: ["capacity"],
  queryFn: ({ signal }) => api.get<Look>("/capacity", signal),
  refetchInterval: 2_000,
  refetchOnWindowFocus: true,
  staleTime: 0,
});

export const historyQuery = (span: Span) =>
  queryOptions({
    queryKey: ["capacity", "history", span],
    queryFn: ({ signal }) => api.get<History>(`/capacity/history?span=${span}`, signal),
    refetchInterval: span === "hour" ? 10_000 : 60_000,
    staleTime: 0,
  });
