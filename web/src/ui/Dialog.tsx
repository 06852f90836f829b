import * as Radix from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { t } from "~/i18n";
import { Button, IconButton } from "./Button";
import { ErrorNote } from "./Note";

/** Focus goes to what asks for it, else to the overlay itself: a ring around Close says nothing. */
function takeFocus(event: Event): void {
  event.preventDefault();
  const content = event.currentTarget as HTMLElement;
  if (!content.contains(document.activeElement)) content.focus();
}

interface OverlayProps {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
}

/** In the middle, over a scrim: one question or one small form. */
export function Dialog({ open, onClose, title, children }: OverlayProps) {
  return (
    <Radix.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="scrim" />
        <Radix.Content className="dialog dialog--over" aria-describedby={undefined} onOpenAutoFocus={takeFocus}>
          <Radix.Title asChild>
            <h2>{title}</h2>
          </Radix.Title>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** Slides over from the right; the page below stays as it is. */
export function Panel({ open, onClose, title, children }: OverlayProps) {
  return (
    <Radix.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="scrim" />
        <Radix.Content className="panel panel--over" aria-describedby={undefined} onOpenAutoFocus={takeFocus}>
          <header className="panel__head">
            <Radix.Title asChild>
              <h2 className="grow">{title}</h2>
            </Radix.Title>
            <Radix.Close asChild>
              <IconButton icon={X} label={t("Close")} />
            </Radix.Close>
          </header>
          <div className="panel__body">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  title: string;
  text: ReactNode;
  /** The verb of what happens. */
  verb: string;
  danger?: boolean;
  onConfirm: () => Promise<unknown>;
}

export function Confirm({ open, onClose, title, text, verb, danger = false, onConfirm }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  async function go() {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <div className="dialog__text">{text}</div>
      <ErrorNote error={error} />
      <div className="dialog__do">
        <Button onClick={onClose}>{t("Cancel")}</Button>
        <Button kind={danger ? "danger" : "main"} busy={busy} onClick={go}>
          {verb}
        </Button>
      </div>
    </Dialog>
  );
}
