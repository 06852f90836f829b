// What `/api/budgets` tells operators: what each person has, and who has a budget of their own.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { queryClient } from "~/api/client";
import { api, query } from "~/api/http";
import type { ApiKey, List, ListedPerson } from "~/api/types";
import type { Cap } from "~/usage/data";

export type Kind = Cap["subject"];

export interface Budget extends Cap {
  /** Of the person, key or organisation; null: gone, or each person's. */
  name: string | null;
  /** That person, or whose key it is. */
  person: { id: string; name: string | null } | null;
}

export interface EachPerson extends Cap {
  /** How many have used all of theirs in its current period. */
  used_up: number;
}

export interface Overview {
  currency: string;
  each_person: EachPerson[];
  /** How many have a budget of their own that an operator set. */
  persons: number;
  keys: number;
  organisations: number;
}

const BUDGETS = ["budgets"];
const SHOWN_AT_ONCE = 50;

export const overviewQuery = queryOptions({
  queryKey: [...BUDGETS, "overview"],
  queryFn: ({ signal }) => api.get<Overview>("/budgets/overview", signal),
  staleTime: 10_000,
});

export const listQuery = (wanted: { kind?: Kind; subject?: string }) =>
  infiniteQueryOptions({
    queryKey: [...BUDGETS, wanted],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<Budget>>(`/budgets${query({ ...wanted, cursor: pageParam, limit: SHOWN_AT_ONCE })}`, signal),
    getNextPageParam: (page) => page.next,
    staleTime: 10_000,
  });

export const refreshBudgets = () => queryClient.invalidateQueries({ queryKey: BUDGETS });

/** Counts what is not attributed as not spent; `person`: only theirs of what each person has. */
export async function giveBack({ id, unattributed }: Cap, person: string | undefined): Promise<void> {
  try {
    await api.post(`/budgets/${id}/give-back`, { unattributed, ...(person ? { person } : {}) });
  } finally {
    // Also where it was refused: by now it is another amount.
    await refreshBudgets();
  }
}

export const personQuery = (id: string) =>
  queryOptions({
    queryKey: ["people", "one", id],
    queryFn: async ({ signal }) => (await api.get<List<ListedPerson>>(`/people${query({ person: id })}`, signal)).items[0] ?? null,
    staleTime: 60_000,
  });

export const foundQuery = (words: string) =>
  queryOptions({
    queryKey: ["people", "found", words],
    queryFn: ({ signal }) => api.get<List<ListedPerson>>(`/people${query({ query: words, limit: 6 })}`, signal),
    staleTime: 10_000,
  });

export const keysQuery = (person: string) =>
  queryOptions({
    queryKey: ["people", "keys", person],
    queryFn: async ({ signal }) => (await api.get<List<ApiKey>>(`/people/${person}/keys${query({ limit: 100 })}`, signal)).items,
    staleTime: 10_000,
  });
