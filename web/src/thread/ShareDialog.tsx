import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queryClient } from "~/api/client";
import { api } from "~/api/http";
import type { List, Share, Thread } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { CopyField } from "~/ui/CopyField";
import { Dialog } from "~/ui/Dialog";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { date } from "~/ui/time";

/** A copy of the page as it is now, readable by whoever has the link. */
export default function ShareDialog({ thread, onClose }: { thread: Thread; onClose: () => void }) {
  const key = ["shares", thread.id];
  const shares = useQuery({ queryKey: key, queryFn: ({ signal }) => api.get<List<Share>>(`/threads/${thread.id}/shares`, signal) });
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function act(action: () => Promise<unknown>) {
    setBusy(true);
    setError(null);
    try {
      await action();
      await queryClient.invalidateQueries({ queryKey: ["shares"] });
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  const all = shares.data?.items ?? [];
  return (
    <Dialog open onClose={onClose} title={t("Share a copy")}>
      <p>{t("Whoever has the link can read this page as it is now, without signing in. What you write later is not in it.")}</p>
      {shares.isPending && <Skeleton lines={2} />}
      {all.map((share) => (
        <div className="share" key={share.id}>
          <CopyField label={t("Link of {date}", { date: date(share.created_at) })} value={share.url} />
          <Button small kind="danger" onClick={() => void act(() => api.delete(`/shares/${share.id}`))}>
            {t("Withdraw")}
          </Button>
        </div>
      ))}
      {all.length > 0 && <p className="muted small">{t("Withdrawing closes the link. Copies that others made stay with them.")}</p>}
      <ErrorNote error={error ?? shares.error} />
      <div className="dialog__do">
        <Button onClick={onClose}>{t("Close")}</Button>
        <Button kind="main" busy={busy} onClick={() => void act(() => api.post(`/threads/${thread.id}/shares`))}>
          {all.length > 0 ? t("New link") : t("Make a link")}
        </Button>
      </div>
    </Dialog>
  );
}
