import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { Provider } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dialog } from "~/ui/Dialog";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { refreshModels } from "./ModelsPage";
import { ProtocolField } from "./ProtocolField";
import { WaitsFields } from "./WaitsFields";

/** Name, address, protocol, more of its models, and how long it is waited for. */
export default function ProviderDialog({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const [name, setName] = useState(provider.name);
  const [url, setUrl] = useState(provider.base_url);
  const [kind, setKind] = useState(provider.kind);
  const [waits, setWaits] = useState(provider.timeouts);
  const [model, setModel] = useState("");
  const { busy, error, run } = useAction();

  async function submit(event: FormEvent) {
    event.preventDefault();
    const done = await run(async () => {
      await api.patch(`/providers/${provider.id}`, {
        name: name.trim(),
        base_url: url.trim(),
        kind,
        timeouts: waits,
        ...(model.trim() ? { models: [model.trim()] } : {}),
      });
      await refreshModels();
    });
    if (done) onClose();
  }
  return (
    <Dialog open onClose={onClose} title={provider.name}>
      <form className="dialog__text" onSubmit={submit}>
        <Field label={t("Name")} required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        <Field label={t("Address")} type="url" required value={url} onChange={(event) => setUrl(event.target.value)} />
        <ProtocolField value={kind} onChange={setKind} />
        <Field label={t("One more model")} value={model} onChange={(event) => setModel(event.target.value)} help={t("As the provider calls it. Leave it empty to add none.")} />
        <WaitsFields waits={waits} onChange={setWaits} />
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
