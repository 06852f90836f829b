import { useInfiniteQuery } from "@tanstack/react-query";
import { api, query } from "~/api/http";
import type { Price, PriceVersions as Versions } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { dateAndTime } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { refreshPrices, versionsKey } from "./data";
import { priceWords } from "./words";

function Version({ price, holds }: { price: Price; holds: boolean }) {
  const isComing = Date.parse(price.since) > Date.now();
  const takeBack = () => api.delete(`/prices/${price.id}`).then(refreshPrices).catch(toastError);
  return (
    <li>
      <span className="grow">
        <b>{priceWords(price, price.currency)}</b>
        <small>{t("from {time}", { time: dateAndTime(price.since) })}</small>
      </span>
      {holds && <span className="tag tag--box tag--accent">{t("now")}</span>}
      {isComing && (
        <Button small kind="quiet" onClick={() => void takeBack()}>
          {t("Take back")}
        </Button>
      )}
    </li>
  );
}

/** Every price that a model ever had, the latest first. */
export function PriceVersions({ model, now }: { model: string; now: Price | null }) {
  const list = useInfiniteQuery({
    queryKey: versionsKey(model),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<Versions>(`/models/${model}/prices${query({ cursor: pageParam, limit: 20 })}`, signal),
    getNextPageParam: (page) => page.next,
  });
  const versions = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      {list.isPending && <Skeleton />}
      <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
      <ul className="rows">
        {versions.map((price) => (
          <Version key={price.id} price={price} holds={price.id === now?.id} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Button small kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("Show more")}
        </Button>
      )}
    </>
  );
}
