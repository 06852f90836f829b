import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArchiveRestore, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { useInstallation } from "~/api/client";
import { changeThread, deleteThread, restoreThread, type ThreadFilter, threadsQuery } from "~/api/threads";
import type { Thread } from "~/api/types";
import { t } from "~/i18n";
import { Bar } from "~/shell/Bar";
import { Button, IconButton } from "~/ui/Button";
import { Seg } from "~/ui/Field";
import { Lead, Line } from "~/ui/Line";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { deletedWords } from "~/shell/deleted";
import { date, shortTime } from "~/ui/time";
import { toast, toastError } from "~/ui/toast";

const DAY_MS = 86_400_000;

/** A page that is gone, but not for good yet. */
function DeletedRow({ thread }: { thread: Thread }) {
  const { deleted_days } = useInstallation().limits;
  const until = thread.deleted_at && date(new Date(Date.parse(thread.deleted_at) + deleted_days * DAY_MS).toISOString());
  return (
    <li>
      <span className="grow">
        <b>{thread.title || t("Untitled page")}</b>
        {until && <small>{t("kept until {date}", { date: until })}</small>}
      </span>
      <Button small icon={RotateCcw} onClick={() => restoreThread(thread.id).catch(toastError)}>
        {t("Restore")}
      </Button>
    </li>
  );
}

function Row({ thread }: { thread: Thread }) {
  const { deleted_days } = useInstallation().limits;
  async function remove() {
    try {
      await deleteThread(thread.id);
      toast(deletedWords(deleted_days), t("Undo"), () => restoreThread(thread.id).catch(toastError));
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

type Filter = Exclude<ThreadFilter, "open">;

const EMPTY: Record<Filter, () => string> = {
  archived: () => t("Nothing here yet. When you are done with a page, archive it from the menu at its top right."),
  api: () => t("Nothing here. Pages appear when a program talks to Mecum with one of your API keys and asks to keep the conversation."),
  deleted: () => t("Nothing here. A page that you delete waits here for some days in case you want it back."),
};

export function Archive() {
  const [filter, setFilter] = useState<Filter>("archived");
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
              { value: "deleted", label: t("Deleted pages") },
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
            {threads.map((thread) => (filter === "deleted" ? <DeletedRow key={thread.id} thread={thread} /> : <Row key={thread.id} thread={thread} />))}
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
