import { useQuery } from "@tanstack/react-query";
import { Menu as MenuIcon } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { noticesQuery } from "~/api/threads";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";

/** The head of a page: its name, and what can be done with all of it. */
export function Bar({ title, heading = false, children }: { title: string; heading?: boolean; children?: ReactNode }) {
  const unread = useQuery({ ...noticesQuery, enabled: false }).data?.unread ?? 0;
  useEffect(() => {
    document.title = `${title} · Mecum`;
  }, [title]);
  return (
    <header className="bar">
      <button type="button" className="ib bar__menu" popoverTarget="rail" aria-label={t("Conversations and places")}>
        <Icon of={MenuIcon} />
        {unread > 0 && <span className="bell__dot" />}
      </button>
      {heading ? <h1 className="grow">{title}</h1> : <span className="bar__title grow">{title}</span>}
      {children}
    </header>
  );
}
