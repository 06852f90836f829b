import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { Search, UserPlus } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { queryClient } from "~/api/client";
import { api, query } from "~/api/http";
import type { List, ListedPerson } from "~/api/types";
import { t } from "~/i18n";
import { Bar } from "~/shell/Bar";
import { useSettled } from "~/shell/search";
import { Button } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import { Lead, Line } from "~/ui/Line";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { Invitations } from "./Invitations";
import { PersonRow } from "./PersonRow";
import { SignUpPolicy } from "./SignUpPolicy";

const AddPerson = lazy(() => import("./AddPerson"));

export const PEOPLE = ["people"];
export const refreshPeople = () => queryClient.invalidateQueries({ queryKey: PEOPLE });

export function PeoplePage() {
  const [words, setWords] = useState("");
  const [adding, setAdding] = useState(false);
  const settled = useSettled(words.trim(), 200);
  // A notice leads to the one whom it is about, until somebody else is looked for.
  const { person } = useSearch({ from: "/house/admin/people" });
  const only = settled ? undefined : person;
  const list = useInfiniteQuery({
    queryKey: [...PEOPLE, settled, only],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<ListedPerson>>(`/people${query({ query: settled, person: only, cursor: pageParam })}`, signal),
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
  });
  const people = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Bar title={t("People")}>
        <Button small kind="main" icon={UserPlus} onClick={() => setAdding(true)}>
          {t("Add")}
        </Button>
      </Bar>
      <div className="sheet">
        <Lead title={t("Each has a notebook of their own")}>{t("Nobody here reads another’s, not even you.")}</Lead>
        <SignUpPolicy />
        <Invitations />
        <Line who={t("Accounts")} className="block">
          <label className="field">
            <Icon of={Search} />
            <span className="vh">{t("Name or address")}</span>
            <input type="search" placeholder={t("Name or address")} value={words} onChange={(event) => setWords(event.target.value)} />
          </label>
          {only && (
            <p className="note note--wide">
              <Link className="textbtn" to="/admin/people">
                {t("Show everybody")}
              </Link>
            </p>
          )}
          {list.isPending && <Skeleton />}
          <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
          {list.data && people.length === 0 && <p className="empty muted">{t("Nobody of that name.")}</p>}
          <ul className="rows rows--first">
            {people.map((person) => (
              <PersonRow key={person.id} person={person} />
            ))}
          </ul>
          {list.hasNextPage && (
            <Button small kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {t("Show more")}
            </Button>
          )}
        </Line>
      </div>
      <Suspense>{adding && <AddPerson onClose={() => setAdding(false)} />}</Suspense>
    </>
  );
}
