// The query cache and the questions that several pages ask.
import { infiniteQueryOptions, QueryClient, queryOptions, useInfiniteQuery, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError, api, query, rememberSession } from "./http";
import type { Installation, List, LocalModel, Model, Person, Session } from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // Without a network a page says so at once instead of waiting for one.
      networkMode: "always",
      retry: (count, error) => count < 2 && error instanceof ApiError && error.retryable && !error.offline,
    },
  },
});

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async () => rememberSession(await api.get<Session>("/session")),
  staleTime: Number.POSITIVE_INFINITY,
});

/** Puts the answer of a sign-in, sign-up or switch of space in place of what was known. */
export function applySession(session: Session): void {
  const before = queryClient.getQueryData(sessionQuery.queryKey);
  rememberSession(session);
  if (before?.person?.id !== session.person?.id || before?.space?.id !== session.space?.id) {
    queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
  }
  queryClient.setQueryData(sessionQuery.queryKey, session);
}

export function useSession(): Session {
  return useSuspenseQuery(sessionQuery).data;
}

export function useInstallation(): Installation {
  return useSession().installation;
}

/** The signed-in person. Only below a route that requires one. */
export function usePerson(): Person {
  const { person } = useSession();
  if (!person) throw new Error("nobody is signed in");
  return person;
}

export function mayOperate(person: Person | null): boolean {
  return person?.role === "owner" || person?.role === "operator";
}

const MOVING = new Set(["arriving", "loading", "absent"]);

export const localModelQuery = queryOptions({
  queryKey: ["models", "local"],
  queryFn: ({ signal }) => api.get<LocalModel>("/models/local", signal),
  // While something moves, one look a second is what a progress bar needs.
  refetchInterval: (query) => (query.state.data && MOVING.has(query.state.data.state) ? 1_000 : false),
  staleTime: 5_000,
});

const modelsQuery = infiniteQueryOptions({
  queryKey: ["models"],
  initialPageParam: null as string | null,
  queryFn: ({ pageParam, signal }) => api.get<List<Model>>(`/models${query({ cursor: pageParam })}`, signal),
  getNextPageParam: (page) => page.next,
  staleTime: 60_000,
});

/** The models that can be chosen, the defaults first: those of the first page, or all of them. Undefined until they are here. */
export function useModels(all = false): Model[] | undefined {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(modelsQuery);
  useEffect(() => {
    if (all && hasNextPage && !isFetchingNextPage && !error) void fetchNextPage();
  }, [all, hasNextPage, isFetchingNextPage, error, fetchNextPage]);
  return data?.pages.flatMap((page) => page.items);
}

export function useLocalModel(): LocalModel | undefined {
  return useQuery(localModelQuery).data;
}
