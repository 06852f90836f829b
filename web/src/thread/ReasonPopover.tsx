import * as Popover from "@radix-ui/react-popover";
import { type FormEvent, type ReactNode, useState } from "react";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";

interface ReasonPopoverProps {
  value: "up" | "down";
  children: ReactNode;
  onClose: () => void;
  onGive: (reason: string) => void;
}

function reasons(value: "up" | "down"): string[] {
  return value === "up"
    ? [t("It is right"), t("Well said"), t("It saved me time")]
    : [t("It is wrong"), t("Not what I asked"), t("Too long"), t("Too slow")];
}

/** After a thumb: why. Optional, in a word or in one's own. */
export default function ReasonPopover({ value, children, onClose, onGive }: ReasonPopoverProps) {
  const [text, setText] = useState("");
  function submit(event: FormEvent) {
    event.preventDefault();
    if (text.trim()) onGive(text.trim());
  }
  return (
    <Popover.Root open onOpenChange={(open) => !open && onClose()}>
      <Popover.Anchor asChild>{children}</Popover.Anchor>
      <Popover.Portal>
        <Popover.Content className="menu pop" align="end" sideOffset={6} collisionPadding={8}>
          <form className="pop__body" onSubmit={submit}>
            <p>{value === "up" ? t("Noted. What was good?") : t("Noted. What was wrong?")}</p>
            <div className="row wrap">
              {reasons(value).map((reason) => (
                <button key={reason} type="button" className="chip" onClick={() => onGive(reason)}>
                  {reason}
                </button>
              ))}
            </div>
            <div className="field">
              <input aria-label={t("In your words")} placeholder={t("In your words")} value={text} maxLength={500} onChange={(event) => setText(event.target.value)} />
            </div>
            <Button small type="submit" disabled={!text.trim()}>
              {t("Tell")}
            </Button>
          </form>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
