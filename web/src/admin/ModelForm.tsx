import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { ProviderModel } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field, SwitchLine } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { toast } from "~/ui/toast";
import { useAction } from "~/ui/useAction";
import { refreshModels } from "./ModelsPage";

/** What a model is called here and what it can do. */
export function ModelForm({ model }: { model: ProviderModel }) {
  const [name, setName] = useState(model.name);
  const [tokens, setTokens] = useState(String(model.context_tokens));
  const [vision, setVision] = useState(model.vision);
  const [tools, setTools] = useState(model.native_tools);
  const [reasoning, setReasoning] = useState(model.reasoning);
  const [licence, setLicence] = useState(model.licence);
  const { busy, error, run } = useAction();

  function submit(event: FormEvent) {
    event.preventDefault();
    void run(async () => {
      await api.patch(`/models/${model.id}`, { name: name.trim(), context_tokens: Number(tokens), vision, native_tools: tools, reasoning, licence: licence.trim() });
      await refreshModels();
      toast(t("Saved."));
    });
  }
  return (
    <form className="form form--wide" onSubmit={submit}>
      <Field label={t("Name here")} required maxLength={128} value={name} onChange={(event) => setName(event.target.value)} help={t("What people choose and programs ask for. Its provider calls it {name}.", { name: model.upstream_model })} />
      <Field label={t("How much it can read at once, in tokens")} type="number" min={256} required value={tokens} onChange={(event) => setTokens(event.target.value)} />
      {model.kind === "chat" && (
        <div>
          <SwitchLine label={t("Sees pictures")} checked={vision} onChange={setVision} />
          <SwitchLine label={t("Uses tools by itself")} help={t("If not, I describe them in words and read its answer.")} checked={tools} onChange={setTools} />
          <SwitchLine label={t("Thinks before it answers")} help={t("Some take longer and are better at hard questions.")} checked={reasoning} onChange={setReasoning} />
        </div>
      )}
      <Field label={t("Licence")} maxLength={200} value={licence} onChange={(event) => setLicence(event.target.value)} help={t("A note for whoever chooses it, e.g. Apache-2.0, or what its maker forbids.")} />
      <ErrorNote error={error} />
      <div className="form__do">
        <Button kind="main" type="submit" busy={busy}>
          {t("Save")}
        </Button>
      </div>
    </form>
  );
}
