import { ChevronLeft, ChevronRight } from "lucide-react";
import { api } from "~/api/http";
import { t } from "~/i18n";
import { IconButton } from "~/ui/Button";
import { toastError } from "~/ui/toast";
import { useOpenThread } from "./context";
import type { Siblings } from "./state/view";

/** ‹ 2/3 › where a message was said in more than one way. */
export function BranchSwitch({ siblings }: { siblings: Siblings }) {
  const { store } = useOpenThread();
  if (siblings.ids.length < 2) return null;
  const before = siblings.ids[siblings.index - 1];
  const after = siblings.ids[siblings.index + 1];

  function show(message: string | undefined) {
    if (!message || !store.get().thread.nodes[message]) return;
    const current = siblings.ids[siblings.index];
    store.dispatchNow({ type: "select", message });
    api.post(`/threads/${store.id}/branch`, { message }).catch((error: unknown) => {
      if (current && store.get().thread.nodes[current]) store.dispatchNow({ type: "select", message: current });
      toastError(error);
    });
  }

  return (
    <span className="branch" role="group" aria-label={t("Versions")}>
      <IconButton small icon={ChevronLeft} label={t("Earlier version")} disabled={!before} onClick={() => show(before)} />
      <span className="num" data-testid="branch">
        {siblings.index + 1}/{siblings.ids.length}
      </span>
      <IconButton small icon={ChevronRight} label={t("Later version")} disabled={!after} onClick={() => show(after)} />
    </span>
  );
}
