import type { LucideIcon } from "lucide-react";
import { lazy, Suspense, useRef, useState } from "react";
import { api } from "~/api/http";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { toast, toastError } from "~/ui/toast";
import { useOpenThread } from "./context";
import type { AnswerNode } from "./state/model";

const ReasonPopover = lazy(() => import("./ReasonPopover"));

export function FeedbackButton({ icon, value, label, node }: { icon: LucideIcon; value: "up" | "down"; label: string; node: AnswerNode }) {
  const { store } = useOpenThread();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const given = node.feedback === value;

  async function give(chosen: "up" | "down" | "none", reason?: string) {
    try {
      await api.put(`/threads/${store.id}/messages/${node.id}/feedback`, { value: chosen, ...(reason ? { reason } : {}) });
      if (reason) toast(t("Thank you. I keep that beside the answer."));
    } catch (error) {
      toastError(error);
    }
  }

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <span className="thumb">
      <button
        ref={button}
        type="button"
        className="ib ib--s"
        aria-label={label}
        title={label}
        aria-pressed={given}
        onClick={() => {
          void give(given ? "none" : value);
          setOpen(!given);
        }}
      >
        <Icon of={icon} small />
      </button>
      {open && (
        <Suspense>
          <ReasonPopover
            value={value}
            onClose={close}
            onGive={(reason) => {
              close();
              void give(value, reason);
            }}
          >
            <span className="thumb__anchor" />
          </ReasonPopover>
        </Suspense>
      )}
    </span>
  );
}
