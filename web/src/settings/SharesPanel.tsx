import { useInfiniteQuery } from "@tanstack/react-query";
import { Copy, ExternalLink } from "lucide-react";
import { queryClient } from "~/api/client";
import { api, query } from "~/api/http";
import type { List, Share } from "~/api/types";
import { t } from "~/i18n";
import { Button, IconButton } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { date } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { useCopy } from "~/ui/useCopy";

function Row({ share }: { share: Share }) {
  const [copied, copy] = useCopy();
  const withdraw = () =>
    api
      .delete(`/shares/${share.id}`)
      .then(() => queryClient.invalidateQueries({ queryKey: ["shares"] }))
      .catch(toastError);
  return (
    <li>
      <a className="grow row__link" href={share.url} target="_blank" rel="noopener">
        <b>
          {share.title || t("Untitled page")} <Icon of={ExternalLink} small />
        </b>
        <small>{t("Shared {date}", { date: date(share.created_at) })}</small>
      </a>
      <IconButton small icon={Copy} label={copied ? t("Copied") : t("Copy the link")} onClick={() => copy(share.url)} />
      <Button small kind="danger" onClick={() => void withdraw()}>
        {t("Withdraw")}
      </Button>
    </li>
  );
}

export function SharesPanel() {
  const list = useInfiniteQuery({
    queryKey: ["shares", "all"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<Share>>(`/shares${query({ cursor: pageParam })}`, signal),
    getNextPageParam: (page) => page.next,
  });
  const shares = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section>
      {shares.length > 0 && <p className="lede">{t("Whoever has one of these links can read that page as it was then.")}</p>}
      {list.isPending && <Skeleton lines={2} />}
      <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
      {list.data && shares.length === 0 && (
        <div className="empty">
          <p>{t("You share nothing. To begin, open a conversation and press the arrow at its top.")}</p>
        </div>
      )}
      <ul className="rows">
        {shares.map((share) => (
          <Row key={share.id} share={share} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Button small kind="quiet" onClick={() => void list.fetchNextPage()}>
          {t("Show more")}
        </Button>
      )}
    </section>
  );
}
