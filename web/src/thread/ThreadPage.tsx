import { useQuery } from "@tanstack/react-query";
import { useLocation, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { ApiError, api } from "~/api/http";
import { markRead } from "~/api/threads";
import type { Thread } from "~/api/types";
import { Composer, type Written } from "~/composer/Composer";
import { t } from "~/i18n";
import { NoSuchThread } from "~/pages/Fallbacks";
import { Bar } from "~/shell/Bar";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { toastError } from "~/ui/toast";
import { useStable } from "~/ui/useStable";
import { ThreadActions } from "./ThreadActions";
import { ThreadContext } from "./context";
import { LinkNote } from "./LinkNote";
import { sendMessage } from "./send";
import { activePart } from "./state/model";
import { turnsOf } from "./state/view";
import { Turns } from "./Turns";
import { useScroll } from "./useScroll";
import { type OpenThread, useThread } from "./useThread";

export function ThreadPage() {
  const { thread } = useParams({ from: "/house/t/$thread" });
  return <OpenPage key={thread} id={thread} />;
}

/** A message that was searched for may be on another branch: then that branch is shown. */
function useBranchOf(open: OpenThread, message: string) {
  const { store, ready } = open;
  useEffect(() => {
    if (!ready || !message) return;
    const { thread } = store.get();
    if (!thread.nodes[message] || turnsOf(thread).some((turn) => turn.kind !== "sending" && turn.node?.id === message)) return;
    store.dispatchNow({ type: "select", message });
    api.post(`/threads/${store.id}/branch`, { message }).catch(toastError);
  }, [store, ready, message]);
}

/** What is open on the screen has been read. */
function useMarkRead(id: string, open: OpenThread, unread: boolean) {
  const idle = open.ready && activePart(open.thread) === null;
  useEffect(() => {
    if (unread && idle && !document.hidden) markRead(id).catch(toastError);
  }, [id, idle, unread]);
}

function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

function OpenPage({ id }: { id: string }) {
  const open = useThread(id);
  const meta = useQuery({ queryKey: ["thread", id], queryFn: ({ signal }) => api.get<Thread>(`/threads/${id}`, signal) }).data;
  const [editing, setEditing] = useState<string | null>(null);
  const gone = open.error !== null && !open.ready;
  const title = open.thread.title || meta?.title || (open.ready ? t("A new page") : gone ? t("Not found") : "…");
  const going = activePart(open.thread);
  const hash = useLocation({ select: (location) => location.hash });
  useBranchOf(open, hash);
  useMarkRead(id, open, meta?.unread ?? false);
  const { toEnd, atEnd } = useScroll(open.thread, hash, open.ready);

  const send = useStable((written: Written) => {
    toEnd();
    sendMessage(open.store, written);
  });
  const stop = useStable(() => {
    api.post(`/threads/${id}/stop`, going ? { run: going.run } : {}).catch(toastError);
  });
  const asked = open.turns.findLast((turn) => turn.kind === "user");
  const editLast = useStable(() => {
    if (asked) setEditing(asked.key);
  });

  return (
    <ThreadContext value={{ store: open.store, editing, setEditing }}>
      <Bar title={title} heading>
        {meta && <ThreadActions thread={{ ...meta, title }} />}
      </Bar>
      <div className="sheet sheet--thread" role="log" aria-live="polite" aria-label={t("Conversation")} data-testid="conversation">
        {gone &&
          (isMissing(open.error) ? (
            <NoSuchThread />
          ) : (
            <div className="line">
              <ErrorNote error={open.error} onRetry={open.store.reload} />
            </div>
          ))}
        {!open.ready && !gone && (
          <div className="line msg">
            <Skeleton />
          </div>
        )}
        <Turns open={open} />
      </div>
      {!gone && (
        <>
          <LinkNote open={open} atEnd={atEnd} toEnd={toEnd} />
          <Composer
            key={id}
            draftKey={id}
            placeholder={going ? t("Write more, I take it in") : t("Write")}
            running={going !== null}
            keep={open.ready ? !open.thread.temporary : undefined}
            onSend={send}
            onStop={stop}
            onEditLast={editLast}
            lastEffort={asked?.node.effort}
          />
        </>
      )}
    </ThreadContext>
  );
}
