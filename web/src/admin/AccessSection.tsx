import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { ProviderModel } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { ErrorNote } from "~/ui/Note";
import { toast } from "~/ui/toast";
import { useAction } from "~/ui/useAction";
import { AccessFields } from "./AccessFields";
import { refreshModels } from "./ModelsPage";

/** Who may use a model. */
export function AccessSection({ model }: { model: ProviderModel }) {
  const [access, setAccess] = useState(model.access);
  const [hidden, setHidden] = useState(model.hidden);
  const { busy, error, run } = useAction();
  const changed = hidden !== model.hidden || JSON.stringify(access) !== JSON.stringify(model.access);

  function submit(event: FormEvent) {
    event.preventDefault();
    void run(async () => {
      await api.patch(`/models/${model.id}`, { access, hidden });
      await refreshModels();
      toast(t("Saved."));
    });
  }
  return (
    <section>
      <h3>{t("Who sees it")}</h3>
      <form className="form form--wide" onSubmit={submit}>
        <AccessFields
          access={access}
          hidden={hidden}
          onChange={(now, isHidden) => {
            setAccess(now);
            setHidden(isHidden);
          }}
        />
        <ErrorNote error={error} />
        <div className="form__do">
          <Button type="submit" small busy={busy} disabled={!changed}>
            {t("Save who sees it")}
          </Button>
        </div>
      </form>
    </section>
  );
}
