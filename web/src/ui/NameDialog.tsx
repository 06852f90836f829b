import { type FormEvent, useState } from "react";
import { t } from "~/i18n";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Field } from "./Field";
import { ErrorNote } from "./Note";
import { useAction } from "./useAction";

interface NameDialogProps {
  title: string;
  label: string;
  value: string;
  onClose: () => void;
  onSave: (name: string) => Promise<unknown>;
}

/** Asks for one name. */
export function NameDialog({ title, label, value, onClose, onSave }: NameDialogProps) {
  const [name, setName] = useState(value);
  const { busy, error, run } = useAction();
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (await run(() => onSave(name.trim()))) onClose();
  }
  return (
    <Dialog open onClose={onClose} title={title}>
      <form onSubmit={submit} className="dialog__text">
        <Field label={label} value={name} maxLength={200} required onChange={(event) => setName(event.target.value)} onFocus={(event) => event.target.select()} />
        <ErrorNote error={error} />
        <div className="dialog__do">
          <Button onClick={onClose}>{t("Cancel")}</Button>
          <Button kind="main" type="submit" busy={busy} disabled={!name.trim()}>
            {t("Save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
