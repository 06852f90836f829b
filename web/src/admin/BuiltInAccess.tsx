import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { Access } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dialog } from "~/ui/Dialog";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { AccessFields, accessWords } from "./AccessFields";
import { refreshModels } from "./ModelsPage";

interface Use {
  access: Access;
  hidden: boolean;
}

/** Who may use the built-in model by its own name: said where it is not everybody, and changed here. */
export function BuiltInAccess() {
  const [open, setOpen] = useState(false);
  const { data } = useQuery({ queryKey: ["models", "local", "access"], queryFn: ({ signal }) => api.get<Use>("/models/local/access", signal), staleTime: 10_000 });
  if (!data) return null;
  const who = accessWords(data.access, data.hidden);
  return (
    <>
      {who && <span className="muted">{who}</span>}
      <Button small kind="quiet" onClick={() => setOpen(true)}>
        {t("Who sees it")}
      </Button>
      {open && <AccessDialog use={data} onClose={() => setOpen(false)} />}
    </>
  );
}

function AccessDialog({ use, onClose }: { use: Use; onClose: () => void }) {
  const [{ access, hidden }, setUse] = useState(use);
  const { busy, error, run } = useAction();

  async function submit(event: FormEvent) {
    event.preventDefault();
    const done = await run(async () => {
      await api.patch("/models/local/access", { access, hidden });
      await refreshModels();
    });
    if (done) onClose();
  }
  return (
    <Dialog open onClose={onClose} title={t("Who sees the built-in model")}>
      <form className="form form--dialog" onSubmit={(event) => void submit(event)}>
        <AccessFields access={access} hidden={hidden} onChange={(now, isHidden) => setUse({ access: now, hidden: isHidden })} />
        <p className="help">{t("A name for models that leads to it has rules of its own.")}</p>
        <ErrorNote error={error} />
        <div className="dialog__do">
          <Button onClick={onClose}>{t("Cancel")}</Button>
          <Button kind="main" type="submit" busy={busy}>
            {t("Save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
