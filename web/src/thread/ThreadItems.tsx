import { useNavigate } from "@tanstack/react-router";
import { Archive, ArchiveRestore, Pencil, Pin, PinOff, Trash2 } from "lucide-react";
import { useInstallation } from "~/api/client";
import { changeThread, deleteThread, restoreThread } from "~/api/threads";
import type { Thread } from "~/api/types";
import { t } from "~/i18n";
import { deletedWords } from "~/shell/deleted";
import { MenuItem } from "~/ui/MenuContent";
import { toast, toastError } from "~/ui/toast";

export default function ThreadItems({ thread, onRename }: { thread: Thread; onRename: () => void }) {
  const navigate = useNavigate();
  const { deleted_days } = useInstallation().limits;
  const change = (part: Parameters<typeof changeThread>[1]) => changeThread(thread.id, part).catch(toastError);

  async function archive() {
    await change({ archived: !thread.archived });
    if (thread.archived) return;
    toast(t("In the archive."), t("Undo"), () => void change({ archived: false }));
  }

  async function remove() {
    try {
      await deleteThread(thread.id);
      await navigate({ to: "/" });
      toast(deletedWords(deleted_days), t("Undo"), () => {
        restoreThread(thread.id)
          .then(() => navigate({ to: "/t/$thread", params: { thread: thread.id } }))
          .catch(toastError);
      });
    } catch (error) {
      toastError(error);
    }
  }

  return (
    <>
      <MenuItem icon={Pencil} onSelect={onRename}>{t("Rename")}</MenuItem>
      <MenuItem icon={thread.pinned ? PinOff : Pin} onSelect={() => void change({ pinned: !thread.pinned })}>
        {thread.pinned ? t("Unpin") : t("Pin")}
      </MenuItem>
      <MenuItem icon={thread.archived ? ArchiveRestore : Archive} onSelect={() => void archive()}>
        {thread.archived ? t("Out of the archive") : t("Archive this page")}
      </MenuItem>
      <MenuItem icon={Trash2} danger onSelect={() => void remove()}>
        {t("Delete")}
      </MenuItem>
    </>
  );
}
