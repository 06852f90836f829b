import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { ProviderModel } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dialog } from "~/ui/Dialog";
import { Field, SwitchLine } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { refreshModels } from "./ModelsPage";

export default function ModelDialog({ model, onClose }: { model: ProviderModel; onClose: () => void }) {
  const [name, setName] = useState(model.name);
  const [tokens, setTokens] = useState(String(model.context_tokens));
  const [vision, setVision] = useState(model.vision);
  const [tools, setTools] = useState(model.native_tools);
  const { busy, error, run } = useAction();

  async function act(action: () => Promise<unknown>) {
    const done = await run(async () => {
      await action();
      await refreshModels();
    });
    if (done) onClose();
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    void act(() => api.patch(`/models/${model.id}`, { name: name.trim(), context_tokens: Number(tokens), vision, native_tools: tools }));
  }
  return (
    <Dialog open onClose={onClose} title={model.upstream_model}>
      <form className="dialog__text" onSubmit={submit}>
        <Field label={t("Name here")} required maxLength={200} value={name} onChange={(event) => setName(event.target.value)} help={t("What people choose and programs ask for.")} />
        <Field label={t("How much it can read at once, in tokens")} type="number" min={256} required value={tokens} onChange={(event) => setTokens(event.target.value)} />
        {model.kind === "chat" && (
          <div>
            <SwitchLine label={t("Sees pictures")} checked={vision} onChange={setVision} />
            <SwitchLine label={t("Uses tools by itself")} help={t("If not, I describe them in words and read its answer.")} checked={tools} onChange={setTools} />
          </div>
        )}
        <ErrorNote error={error} />
        <div className="dialog__do">
          <Button kind="danger" disabled={busy} onClick={() => void act(() => api.delete(`/models/${model.id}`))}>
            {t("Remove")}
          </Button>
          <span className="grow" />
          <Button onClick={onClose}>{t("Cancel")}</Button>
          <Button kind="main" type="submit" busy={busy}>
            {t("Save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
