import { ArrowDown } from "lucide-react";
import { useEffect, useState } from "react";
import { t } from "~/i18n";
import { TextButton } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import type { OpenThread } from "./useThread";

const PATIENCE_MS = 1_200;

/** True once the line has been down for longer than a moment: a short break needs no words. */
function useDown(link: OpenThread["link"]): boolean {
  const [down, setDown] = useState(false);
  useEffect(() => {
    if (link === "open") {
      setDown(false);
      return;
    }
    const timer = setTimeout(() => setDown(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [link]);
  return down;
}

/** Above the composer: that the line is down, or that there is more below. */
export function LinkNote({ open, atEnd, toEnd }: { open: OpenThread; atEnd: boolean; toEnd: () => void }) {
  const down = useDown(open.link) && open.ready;
  return (
    <div className="above">
      <div role="status">
        {down && (
          <p className="above__note">
            {open.why?.code === "too_many_streams"
              ? t("Too many windows of yours are open here. Close some, or wait: I am trying again.")
              : t("The line is down. I am connecting again.")}{" "}
            <TextButton onClick={open.store.reload}>{t("Now")}</TextButton>
          </p>
        )}
      </div>
      {!atEnd && (
        <button type="button" className="above__down" aria-label={t("To the newest")} title={t("To the newest")} onClick={toEnd}>
          <Icon of={ArrowDown} />
        </button>
      )}
    </div>
  );
}
