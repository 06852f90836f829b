import { Ellipsis, Share } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import type { Thread } from "~/api/types";
import { t } from "~/i18n";
import { IconButton } from "~/ui/Button";
import { Menu } from "~/ui/Menu";

const ShareDialog = lazy(() => import("./ShareDialog"));
const RenameDialog = lazy(() => import("./RenameDialog"));
const load = () => import("./ThreadItems");

/** What can be done with a whole conversation. */
export function ThreadActions({ thread }: { thread: Thread }) {
  const [dialog, setDialog] = useState<"share" | "rename" | null>(null);
  return (
    <>
      {!thread.temporary && <IconButton icon={Share} label={t("Share a copy")} onClick={() => setDialog("share")} />}
      <Menu load={load} given={{ thread, onRename: () => setDialog("rename") }}>
        <IconButton icon={Ellipsis} label={t("More about this conversation")} />
      </Menu>
      <Suspense>
        {dialog === "share" && <ShareDialog thread={thread} onClose={() => setDialog(null)} />}
        {dialog === "rename" && <RenameDialog thread={thread} onClose={() => setDialog(null)} />}
      </Suspense>
    </>
  );
}
