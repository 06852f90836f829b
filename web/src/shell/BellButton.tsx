import { useQuery } from "@tanstack/react-query";
import type { LucideIcon } from "lucide-react";
import { noticesQuery } from "~/api/threads";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { usePanel } from "./panels";

export function BellButton({ icon }: { icon: LucideIcon }) {
  const unread = useQuery(noticesQuery).data?.unread ?? 0;
  const { openPanel } = usePanel();
  const label = unread > 0 ? t("Notices, {n} new", { n: unread }) : t("Notices");
  return (
    <button type="button" className="ib bell" aria-label={label} title={label} onClick={() => openPanel("notices")}>
      <Icon of={icon} />
      {unread > 0 && <span className="bell__dot" data-testid="unread" />}
    </button>
  );
}
