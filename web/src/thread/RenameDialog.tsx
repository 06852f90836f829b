import { changeThread } from "~/api/threads";
import type { Thread } from "~/api/types";
import { t } from "~/i18n";
import { NameDialog } from "~/ui/NameDialog";

export default function RenameDialog({ thread, onClose }: { thread: Thread; onClose: () => void }) {
  return <NameDialog title={t("Rename")} label={t("Name of this page")} value={thread.title} onClose={onClose} onSave={(title) => changeThread(thread.id, { title })} />;
}
