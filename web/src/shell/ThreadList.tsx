import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { CalendarClock, Code, Ghost, type LucideIcon, Moon, Pin, Terminal } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { type ThreadFilter, threadsQuery } from "~/api/threads";
import type { Origin, Thread } from "~/api/types";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { daysAgo, month } from "~/ui/time";

const ORIGINS: Partial<Record<Origin, { icon: LucideIcon; name: () => string }>> = {
  terminal: { icon: Terminal, name: () => t("from the terminal") },
  api: { icon: Code, name: () => t("from a program") },
  background: { icon: Moon, name: () => t("in the background") },
  schedule: { icon: CalendarClock, name: () => t("by schedule") },
};

function worksForYou(thread: Thread): boolean {
  return thread.state !== "idle" && (thread.origin === "background" || thread.origin === "schedule");
}

function groupName(thread: Thread): string {
  if (worksForYou(thread)) return t("Working for you");
  if (thread.pinned) return t("Pinned");
  const days = daysAgo(thread.updated_at);
  if (days <= 0) return t("Today");
  if (days === 1) return t("Yesterday");
  if (days < 8) return t("Last week");
  if (days < 31) return t("Last month");
  return month(thread.updated_at);
}

function weight(thread: Thread): number {
  return worksForYou(thread) ? 0 : thread.pinned ? 1 : 2;
}

function grouped(threads: Thread[]): { name: string; threads: Thread[] }[] {
  const sorted = [...threads].sort((a, b) => weight(a) - weight(b) || (a.updated_at < b.updated_at ? 1 : -1));
  const groups: { name: string; threads: Thread[] }[] = [];
  for (const thread of sorted) {
    const name = groupName(thread);
    const last = groups.at(-1);
    if (last?.name === name) last.threads.push(thread);
    else groups.push({ name, threads: [thread] });
  }
  return groups;
}

function Mark({ thread }: { thread: Thread }) {
  if (thread.state === "running") return <i className="pulse" role="img" aria-label={t("working")} />;
  if (thread.state === "waiting") return <i className="pulse pulse--ask" role="img" aria-label={t("waits for you")} />;
  if (thread.unread) return <i className="pulse pulse--new" role="img" aria-label={t("new")} />;
  if (thread.temporary) return <Icon of={Ghost} small />;
  const origin = ORIGINS[thread.origin];
  if (origin) return <Icon of={origin.icon} small />;
  return thread.pinned ? <Icon of={Pin} small /> : null;
}

function ThreadLink({ thread }: { thread: Thread }) {
  const origin = ORIGINS[thread.origin];
  return (
    <Link className={`thread ${thread.unread ? "thread--new" : ""}`} to="/t/$thread" params={{ thread: thread.id }}>
      <span title={thread.title}>
        {thread.title || t("Untitled page")}
        {origin && <span className="vh"> {origin.name()}</span>}
      </span>
      <Mark thread={thread} />
    </Link>
  );
}

/** Calls `onSeen` whenever it scrolls into view. */
function Sentinel({ onSeen }: { onSeen: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && onSeen(), { rootMargin: "200px" });
    if (ref.current) observer.observe(ref.current);
    return () => observer.disconnect();
  }, [onSeen]);
  return <div ref={ref} style={{ height: 1 }} />;
}

export function ThreadList({ filter = "open", empty }: { filter?: ThreadFilter; empty: ReactNode }) {
  const { data, error, refetch, fetchNextPage, hasNextPage, isFetchingNextPage, isPending } = useInfiniteQuery(threadsQuery(filter));
  const onNewPage = useLocation({ select: (location) => location.pathname === "/" }) && filter === "open";
  const groups = useMemo(() => {
    const all = grouped(data?.pages.flatMap((page) => page.items) ?? []);
    if (onNewPage && !all.some((group) => group.name === t("Today"))) {
      const at = all.findIndex((group) => group.threads[0] && weight(group.threads[0]) === 2);
      all.splice(at < 0 ? all.length : at, 0, { name: t("Today"), threads: [] });
    }
    return all;
  }, [data, onNewPage]);
  if (isPending) return <Skeleton lines={5} />;
  if (error && !data) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  return (
    <>
      {groups.map((group) => (
        <div role="group" aria-label={group.name} key={group.name}>
          <p className="rail__group">{group.name}</p>
          {onNewPage && group.name === t("Today") && (
            <Link className="thread" to="/">
              <span>{t("A new page")}</span>
            </Link>
          )}
          {group.threads.map((thread) => (
            <ThreadLink key={thread.id} thread={thread} />
          ))}
        </div>
      ))}
      {!groups.some((group) => group.threads.length > 0) && <p className="rail__group">{empty}</p>}
      {hasNextPage && <Sentinel onSeen={() => void fetchNextPage()} />}
      {isFetchingNextPage && <Skeleton lines={2} />}
    </>
  );
}
