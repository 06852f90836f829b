// The organisations of the installation, as operators find them.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, query } from "~/api/http";
import type { List } from "~/api/types";

export interface Organisation {
  id: string;
  name: string;
  /** How many belong to it. */
  members: number;
}

const ORGANISATIONS = ["organisations"];
const SHOWN_AT_ONCE = 8;
const ASKED_AT_ONCE = 50;

/** Those whose name holds `words`, page by page. */
export const organisationsQuery = (words: string, limit = SHOWN_AT_ONCE) =>
  infiniteQueryOptions({
    queryKey: [...ORGANISATIONS, "found", words, limit],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<Organisation>>(`/organisations${query({ query: words, cursor: pageParam, limit })}`, signal),
    getNextPageParam: (page) => page.next,
    staleTime: 30_000,
  });

/** What these are called. */
export const organisationNamesQuery = (ids: readonly string[]) =>
  queryOptions({
    queryKey: [...ORGANISATIONS, "named", ...ids],
    queryFn: async ({ signal }) => {
      const names = new Map<string, string>();
      for (let from = 0; from < ids.length; from += ASKED_AT_ONCE) {
        const some = ids.slice(from, from + ASKED_AT_ONCE);
        const page = await api.get<List<Organisation>>(`/organisations${query({ ids: some.join(","), limit: ASKED_AT_ONCE })}`, signal);
        for (const each of page.items) names.set(each.id, each.name);
      }
      return names;
    },
    enabled: ids.length > 0,
    staleTime: 30_000,
  });
