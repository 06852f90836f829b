import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArchiveRestore, Trash2 } from "lucide-react";
import { useState } from "react";
import { changeThread, deleteThread, restoreThread, type ThreadFilter, threadsQuery } from "~/api/threads";
import type { Thread } from "~/api/types";
import { t } from "~/i18n";
import { Bar } from "~/shell/Bar";
import { Button, IconButton } from "~/ui/Button";
import { Seg } from "~/ui/Field";
import { Lead, Line } from "~/ui/Line";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { shortTime } from "~/ui/time";
import { toast, toastError } from "~/ui/toast";

function Row({ thread }: { thread: Thread }) {
  async function remove() {
    try {
      await deleteThread(thread.id);
      toast(t("Deleted. I keep it 30 days in case you want it back."), t("Undo"), () => restoreThread(thread.id).catch(toastError));
    } catch (error) {
      toastError(error);
    }
  }
  return (
    <li>
      <Link className="grow row__link" to="/t/$thread" params={{ thread: thread.id }}>
        <b>{thread.title || t("Untitled page")}</b>
        <small>{shortTime(thread.updated_at)}</small>
      </Link>
      {thread.archived && <IconButton icon={ArchiveRestore} label={t("Out of the archive")} onClick={() => changeThread(thread.id, { archived: false }).catch(toastError)} />}
      <IconButton icon={Trash2} label={t("Delete")} onClick={() => void remove()} />
    </li>
  );
}

const EMPTY: Record<"archived" | "api", () => string> = {
  archived: () => t("Nothing here yet. When you are done with a page, archive it from the menu at its top right."),
  api: () => t("Nothing here. Pages appear when a program talks to Mecum with one of your API keys and asks to keep the conversation."),
};

export function Archive() {
  const [filter, setFilter] = useState<Exclude<ThreadFilter, "open">>("archived");
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(threadsQuery(filter));
  const threads = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Bar title={t("Archive")} />
      <div className="sheet">
        <Lead title={t("Put away, not gone")}>{t("Pages that you archived, and pages that programs wrote. Search finds them all.")}</Lead>
        <Line>
          <Seg
            legend={t("Which pages")}
            value={filter}
            onChange={setFilter}
            options={[
              { value: "archived", label: t("Put away") },
              { value: "api", label: t("From programs") },
            ]}
          />
        </Line>
        <Line className="block">
          {isPending && <Skeleton />}
          <ErrorNote error={error} onRetry={() => void refetch()} />
          {data && threads.length === 0 && (
            <div className="empty">
              <p>{EMPTY[filter]()}</p>
            </div>
          )}
          <ul className="rows">
            {threads.map((thread) => (
              <Row key={thread.id} thread={thread} />
            ))}
          </ul>
          {hasNextPage && (
            <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              {t("Show more")}
            </Button>
          )}
        </Line>
      </div>
    </>
  );
}
