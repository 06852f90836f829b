// The list of threads, what one can do with one of them, and the stream that keeps the list fresh.
import { type InfiniteData, infiniteQueryOptions, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { follow } from "~/stream/follow";
import { queryClient } from "./client";
import { api, query } from "./http";
import type { Found, List, Notices, Thread } from "./types";

export type ThreadFilter = "open" | "archived" | "api" | "deleted";

const FILTERS = ["open", "archived", "api", "deleted"] as const satisfies ThreadFilter[];
const PAGE = 40;

export function threadsQuery(filter: ThreadFilter) {
  return infiniteQueryOptions({
    queryKey: ["threads", filter],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      api.get<List<Thread>>(
        `/threads${query({ cursor: pageParam, limit: PAGE, archived: filter === "archived" || null, origin: filter === "api" ? "api" : null, deleted: filter === "deleted" || null })}`,
        signal,
      ),
    getNextPageParam: (page) => page.next,
  });
}

export function searchQuery(text: string) {
  return infiniteQueryOptions({
    queryKey: ["search", text],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<Found>>(`/threads/search${query({ q: text, cursor: pageParam, limit: 20 })}`, signal),
    getNextPageParam: (page) => page.next,
    staleTime: 10_000,
  });
}

type Pages = InfiniteData<List<Thread>, string | null>;

function belongs(thread: Thread, filter: ThreadFilter): boolean {
  if (thread.temporary || filter === "deleted") return false;
  if (filter === "archived") return thread.archived;
  return !thread.archived && (thread.origin === "api") === (filter === "api");
}

/** Puts a thread where it belongs in the lists that are held. */
export function placeThread(thread: Thread): void {
  if (thread.deleted) {
    removeThread(thread.id);
    void queryClient.invalidateQueries({ queryKey: ["threads", "deleted"] });
    return;
  }
  queryClient.setQueryData<Thread>(["thread", thread.id], thread);
  for (const filter of FILTERS) {
    queryClient.setQueryData<Pages>(["threads", filter], (held) => {
      if (!held) return held;
      const pages = held.pages.map((page) => ({ ...page, items: page.items.filter((other) => other.id !== thread.id) }));
      const first = pages[0];
      if (first && belongs(thread, filter)) first.items = [thread, ...first.items];
      return { ...held, pages };
    });
  }
}

export function removeThread(id: string): void {
  for (const filter of FILTERS) {
    queryClient.setQueryData<Pages>(["threads", filter], (held) =>
      held && { ...held, pages: held.pages.map((page) => ({ ...page, items: page.items.filter((thread) => thread.id !== id) })) },
    );
  }
}

export async function changeThread(id: string, change: { title?: string; pinned?: boolean; archived?: boolean }): Promise<void> {
  placeThread(await api.patch<Thread>(`/threads/${id}`, change));
}

export async function deleteThread(id: string): Promise<void> {
  await api.delete(`/threads/${id}`);
  removeThread(id);
  await queryClient.invalidateQueries({ queryKey: ["threads", "deleted"] });
}

export async function restoreThread(id: string): Promise<void> {
  await api.post(`/threads/${id}/restore`);
  await queryClient.invalidateQueries({ queryKey: ["threads"] });
}

export async function markRead(id: string): Promise<void> {
  await api.post(`/threads/${id}/read`);
  const thread = queryClient.getQueryData<Thread>(["thread", id]);
  if (thread) placeThread({ ...thread, unread: false });
}

export const noticesQuery = {
  queryKey: ["notices"],
  queryFn: ({ signal }: { signal: AbortSignal }) => api.get<Notices>("/notifications?limit=30", signal),
};

let leaving = false;

/** Signs out by `end`: nothing is asked for meanwhile, because the answer would be that nobody is signed in. */
export async function leave(end: () => Promise<unknown>): Promise<void> {
  leaving = true;
  try {
    await queryClient.cancelQueries();
    await end();
  } catch (error) {
    leaving = false;
    void queryClient.invalidateQueries({ queryKey: ["threads"] });
    void queryClient.invalidateQueries({ queryKey: ["notices"] });
    throw error;
  }
}

/** One stream per tab: threads that changed, notices that came. `onBack`: the server can be reached again. */
export function useMyStream(onBack: () => void): void {
  const client = useQueryClient();
  useEffect(() => {
    let broken = false;
    const following = follow({
      url: () => "/api/me/stream",
      position: () => "",
      onFrame: (frame) => {
        if (leaving) return;
        if (frame.event === "threads") placeThread((JSON.parse(frame.data) as { thread: Thread }).thread);
        else if (frame.event === "notification") void client.invalidateQueries({ queryKey: ["notices"] });
        else if (frame.event === "reset") void client.invalidateQueries({ queryKey: ["threads"] });
      },
      onLink: (link) => {
        // What changed while the line was down was not told: ask.
        if (link === "open" && broken) {
          onBack();
          void client.invalidateQueries({ queryKey: ["threads"] });
          void client.invalidateQueries({ queryKey: ["notices"] });
        }
        broken = link === "waiting" || (broken && link !== "open");
      },
    });
    return following.stop;
  }, [client, onBack]);
}
