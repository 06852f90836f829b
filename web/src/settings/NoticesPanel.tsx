import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { queryClient } from "~/api/client";
import { api, query } from "~/api/http";
import { noticesQuery } from "~/api/threads";
import type { Notice, Notices } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { shortTime } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { noticeWords } from "./noticeWords";

async function markRead(body: { ids: string[] } | { all: true }) {
  try {
    await api.post("/notifications/read", body);
    await queryClient.invalidateQueries({ queryKey: noticesQuery.queryKey });
  } catch (error) {
    toastError(error);
  }
}

function Row({ notice }: { notice: Notice }) {
  const navigate = useNavigate();
  const { title, body } = noticeWords(notice);
  const open = () => {
    if (!notice.read_at) void markRead({ ids: [notice.id] });
    if (notice.link?.startsWith("/")) void navigate({ href: notice.link });
  };
  return (
    <li>
      <button type="button" className="grow row__link" onClick={open}>
        <b className={notice.read_at ? "read" : undefined}>{title}</b>
        <small>{body}</small>
      </button>
      <time className="muted small" dateTime={notice.created_at}>
        {shortTime(notice.created_at)}
      </time>
      {!notice.read_at && <i className="pulse pulse--new" role="img" aria-label={t("new")} />}
    </li>
  );
}

export function NoticesPanel() {
  const list = useInfiniteQuery({
    queryKey: [...noticesQuery.queryKey, "all"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<Notices>(`/notifications${query({ cursor: pageParam, limit: 30 })}`, signal),
    getNextPageParam: (page) => page.next,
  });
  const notices = list.data?.pages.flatMap((page) => page.items) ?? [];
  const unread = list.data?.pages[0]?.unread ?? 0;
  return (
    <section>
      {list.isPending && <Skeleton />}
      <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
      {list.data && notices.length === 0 && (
        <div className="empty">
          <p>{t("Nothing to tell. When work in the background is done or needs you, it stands here.")}</p>
        </div>
      )}
      <ul className="rows">
        {notices.map((notice) => (
          <Row key={notice.id} notice={notice} />
        ))}
      </ul>
      <div className="form__do">
        {unread > 0 && (
          <Button small onClick={() => void markRead({ all: true })}>
            {t("Mark all as read")}
          </Button>
        )}
        {list.hasNextPage && (
          <Button small kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("Show more")}
          </Button>
        )}
      </div>
    </section>
  );
}
