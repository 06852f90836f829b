// What `/api/usage` tells: a month of one's own, and the caps that hold.
import { queryOptions } from "@tanstack/react-query";
import { queryClient } from "~/api/client";
import { api, query } from "~/api/http";
import type { ApiKey, List } from "~/api/types";

export interface Sum {
  calls: number;
  input_tokens: number;
  output_tokens: number;
  /** A decimal amount of the currency. */
  cost: string;
}

export interface PlaceSum extends Sum {
  /** A surface, `key` or `background`. */
  place: string;
  key: string | null;
}

export interface DegradedCall {
  id: string;
  at: string;
  model: string;
  surface: string;
  degraded: string | null;
}

export interface UsageMonth {
  /** 2026-11, of the person's time zone. */
  month: string;
  timezone: string;
  currency: string;
  starts_at: string;
  ends_at: string;
  /** When the person first used anything. */
  first_at: string | null;
  answers: number;
  background: number;
  total: Sum;
  days: { day: string; places: PlaceSum[] }[];
  models: (Sum & { model: string })[];
  degraded: DegradedCall[];
}

export interface ThreadUse extends Sum {
  /** Null: deleted, temporary, or in another space. */
  thread: string | null;
  title: string | null;
}

export interface ThreadsUse {
  month: string;
  currency: string;
  /** How many conversations there were. */
  conversations: number;
  items: ThreadUse[];
}

export type Unit = "tokens" | "money";
export type Period = "day" | "week" | "month";

export interface Cap {
  id: string;
  subject: "person" | "each_person" | "key" | "organisation";
  subject_id: string | null;
  unit: Unit;
  currency: string | null;
  /** Tokens as a number, money as decimal text. */
  amount: number | string;
  spent: number | string;
  /** The part of `spent` that stood open when a process died: nobody can say whether it was used. */
  unattributed: number | string;
  period: Period;
  resets_at: string;
  hard: boolean;
  set_by: "operator" | "person";
}

/** What a form of a cap says. */
export type CapValues = Pick<Cap, "unit" | "amount" | "period" | "hard">;

/** How much of a cap is used; a cap of nothing is. */
export function shareOf(cap: Cap): number {
  return Number(cap.amount) > 0 ? Number(cap.spent) / Number(cap.amount) : 1;
}

export const monthQuery = (month: string | undefined) =>
  queryOptions({
    queryKey: ["usage", "month", month ?? "now"],
    queryFn: ({ signal }) => api.get<UsageMonth>(`/usage${query({ month })}`, signal),
    staleTime: 10_000,
  });

/** Which conversations of a month took most. */
export const threadsUseQuery = (month: string) =>
  queryOptions({
    queryKey: ["usage", "threads", month],
    queryFn: ({ signal }) => api.get<ThreadsUse>(`/threads/usage${query({ month })}`, signal),
    staleTime: 10_000,
  });

const CAPS = ["usage", "caps"];
export const capsQuery = queryOptions({
  queryKey: CAPS,
  queryFn: async ({ signal }) => (await api.get<List<Cap>>("/usage/budgets", signal)).items,
  staleTime: 10_000,
});
export const refreshCaps = () => queryClient.invalidateQueries({ queryKey: CAPS });

/** One's own API keys, by whose names caps and places are told. */
export const keyNamesQuery = queryOptions({
  queryKey: ["usage", "keys"],
  queryFn: async ({ signal }) => {
    const keys: ApiKey[] = [];
    for (let cursor: string | null = null, pages = 0; pages === 0 || (cursor && pages < 20); pages++) {
      const page: List<ApiKey> = await api.get<List<ApiKey>>(`/me/keys${query({ cursor, limit: 100 })}`, signal);
      keys.push(...page.items);
      cursor = page.next;
    }
    return keys;
  },
  staleTime: 60_000,
});
