import { useInfiniteQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { useEffect } from "react";
import { api, query } from "~/api/http";
import type { AuditEntry, List, ListedPerson } from "~/api/types";
import { t } from "~/i18n";
import { Bar } from "~/shell/Bar";
import { Button } from "~/ui/Button";
import { Dots } from "~/ui/Dots";
import { Icon } from "~/ui/Icon";
import { Lead, Line } from "~/ui/Line";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { dateAndTime } from "~/ui/time";
import { actionWords, actorWords } from "./auditWords";
import { PEOPLE } from "./PeoplePage";

/** Names of the people that these entries speak of, by their ids: people are read page by page until all are known. */
function useNames(entries: AuditEntry[]): (id: string | null) => string {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: [...PEOPLE, "names"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<ListedPerson>>(`/people${query({ cursor: pageParam, limit: 200 })}`, signal),
    getNextPageParam: (page) => page.next,
  });
  const names = new Map(data?.pages.flatMap((page) => page.items.map((person) => [person.id, person.name])));
  const unknown = entries.some((entry) => [entry.actor.person, entry.subject].some((id) => id?.startsWith("prs_") && !names.has(id)));
  useEffect(() => {
    if (unknown && hasNextPage && !isFetchingNextPage && !error) void fetchNextPage();
  }, [unknown, hasNextPage, isFetchingNextPage, error, fetchNextPage]);
  return (id) => (id && names.get(id)) || id || "";
}

function Entry({ entry, name }: { entry: AuditEntry; name: (id: string | null) => string }) {
  const details = entry.details && Object.keys(entry.details).length > 0 ? entry.details : null;
  const words = actionWords(entry.action);
  const subject = entry.subject === entry.actor.person ? "" : name(entry.subject);
  return (
    <li data-testid="audit-entry">
      <span className="grow">
        <b className={words ? undefined : "mono"}>{words ?? entry.action}</b>
        <details className="step raw">
          <summary>
            <Icon of={ChevronRight} small className="chev" />
            <Dots>
              {name(entry.actor.person) || actorWords(entry.actor.kind)}
              {subject && t("about {name}", { name: subject })}
            </Dots>
          </summary>
          <pre tabIndex={0}>{details ? `${entry.action} ${JSON.stringify(details, null, 2)}` : entry.action}</pre>
          {entry.details === null && <p>{t("The details were erased with the person.")}</p>}
        </details>
      </span>
      <time className="muted small" dateTime={entry.at}>
        {dateAndTime(entry.at)}
      </time>
    </li>
  );
}

export function AuditPage() {
  const list = useInfiniteQuery({
    queryKey: ["audit"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<AuditEntry>>(`/audit${query({ cursor: pageParam, limit: 50 })}`, signal),
    getNextPageParam: (page) => page.next,
    staleTime: 0,
  });
  const entries = list.data?.pages.flatMap((page) => page.items) ?? [];
  const name = useNames(entries);
  return (
    <>
      <Bar title={t("Audit log")} />
      <div className="sheet">
        <Lead title={t("What was changed, by whom and when")}>{t("Entries are chained: none can be taken out unseen.")}</Lead>
        <Line>
          {list.isPending && <Skeleton lines={5} />}
          <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
          <ul className="rows rows--top">
            {entries.map((entry) => (
              <Entry key={entry.seq} entry={entry} name={name} />
            ))}
          </ul>
          {list.hasNextPage && (
            <Button small kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {t("Show more")}
            </Button>
          )}
        </Line>
      </div>
    </>
  );
}
